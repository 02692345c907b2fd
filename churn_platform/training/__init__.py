"""From labelled months to fitted candidates and a challenger."""
