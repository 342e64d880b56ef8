-- Write events of the past; the same event twice is one.
-- ARGV: seconds kept, then per event: counter, call id, at, older than any window
for i = 2, #ARGV, 4 do
  write(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[1])
end
return redis.status_reply('OK')
