"""Lists as agencies send them: files, columns, amounts, dates, phones and people. Pure, but for opening the file.

Nothing is guessed in silence: what was understood is shown, what is doubtful is refused with its remedy.
"""
