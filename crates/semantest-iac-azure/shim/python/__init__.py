"""The app for the Functions host, around handlers written for Lambda."""
