"""The exit codes of every command (README, "Exit codes"); 128 + signal where one ended it."""

OK = 0
PROBLEM = 1
USAGE = 2
INCONCLUSIVE = 3
OURS = 4
BUG = 70
