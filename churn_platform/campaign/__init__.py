"""From scores to contacts that earn money: whom to call, what it should bring, what it brought."""
