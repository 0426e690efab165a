"""The limited, killable process that opens users' files."""
