"""The assistant as people meet it: a page in the browser, a terminal chat, one-off questions."""
