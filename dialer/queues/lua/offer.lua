-- Queue leads; one already queued, or whose debtor is in a call of any campaign, is left out.
-- KEYS: leads, owners, debtors, segments of the campaign
-- ARGV: queue prefix, then per lead: lead id, debtor id, segment, due, record
local leads, owners, debtors, segments = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local added = 0
for i = 2, #ARGV, 5 do
  local id, debtor, segment, due, record = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  if redis.call('HEXISTS', debtors, debtor) == 0 and redis.call('HSETNX', leads, id, record) == 1 then
    redis.call('ZADD', owners, debtor, id)
    redis.call('ZADD', ARGV[1] .. segment, due, id)
    redis.call('SADD', segments, segment)
    added = added + 1
  end
end
return added
