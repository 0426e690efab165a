"""What happens when something is asked, shown or changed in a conversation."""
