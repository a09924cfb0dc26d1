"""What people who are signed in need to know of the installation itself."""
