"""The page over HTTP: its server, the guard before it, and the routes beside Gradio's."""
