"""The tests, on real servers; a package, so that its folders have names of their own."""
