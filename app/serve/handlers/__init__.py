"""What each address answers; `app.serve.routes` lists them."""
