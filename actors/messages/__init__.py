"""What actors say to one another.  A message belongs to the actor that receives it.

Asks go up, tells go down: the feed asks the desk and the manager; agents ask the desk and the
allocator; the desk and the manager ask the allocator, which asks nobody.
"""
