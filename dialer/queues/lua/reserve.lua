-- Count one attempt at every key, unless any limit is reached; whoever asks twice is counted once.
-- KEYS: marker of a complete ledger, what this call reserved
-- ARGV: call id, at, older than any window, seconds kept, number of keys, keys..., then per limit: key, since, most
-- Returns 'unknown', or 'reserved' or 'over' and per limit: count, what must leave.
local call, at, oldest, keep_s, n = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
if redis.call('EXISTS', KEYS[1]) == 0 then return { 'unknown' } end

local again = n > 0 and redis.call('ZSCORE', ARGV[6], call)
local answer, over = { '' }, false
for i = 6 + n, #ARGV, 3 do
  local count, leaves = tally(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]))
  local own = again and redis.call('ZSCORE', ARGV[i], call)
  if own and tonumber(own) >= tonumber(ARGV[i + 1]) then count, leaves = count - 1, '' end
  over = over or count >= tonumber(ARGV[i + 2])
  answer[#answer + 1] = count
  answer[#answer + 1] = leaves
end
if over and not again then
  answer[1] = 'over'
  return answer
end
answer[1] = 'reserved'
if again then return answer end

local reserved = {}
for i = 6, 5 + n do
  write(ARGV[i], call, at, oldest, keep_s)
  reserved[#reserved + 1] = ARGV[i]
end
redis.call('SET', KEYS[2], table.concat(reserved, '\t'), 'EX', keep_s)
return answer
