a = "x"
a = "y"
