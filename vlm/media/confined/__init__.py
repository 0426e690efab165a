"""The limited, killable process in which users' files are opened."""
