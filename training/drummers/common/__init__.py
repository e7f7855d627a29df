"""What training and measuring the drummers share: balance of styles, classifiers of loops."""
