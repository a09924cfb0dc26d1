"""The API's reference as a page to click, and the address without a path. Nothing here is fetched from elsewhere."""
