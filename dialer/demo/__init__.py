"""`dialer demo`: the whole product on one machine for a minute, with a simulated Asterisk and fast time.

`settings` and `people` are what is played, `files` what is written down, `place` where; `stage` starts and ends the
processes, `agents` acts for the people at the softphones, `watch` looks, `views` draws, `report` sums up, `show` is
the whole performance.
"""
