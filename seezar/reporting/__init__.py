"""Reports out of rows that were extracted: what is measured, what is asked, the text and the pictures."""
