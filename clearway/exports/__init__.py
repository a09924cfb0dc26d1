"""Files of lists: CSV as a stream, XLSX as a temporary file. Both read page by page, so memory does not grow."""
