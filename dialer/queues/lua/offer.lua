-- Queue leads; one already queued, or whose debtor is in a call of any campaign, is left out.
-- KEYS: queued, owners, debtors, segments of the campaign
-- ARGV: prefix of the campaign's keys, now, then per lead: lead id, debtor id, segment, due, rank, record
local queued, owners, debtors, segments = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local base, now = ARGV[1], tonumber(ARGV[2])
local added, known = 0, {}
for i = 3, #ARGV, 6 do
  local id, debtor, segment, due, rank, record = unpack(ARGV, i, i + 5)
  if redis.call('HEXISTS', debtors, debtor) == 0 and redis.call('HSETNX', queued, id, record) == 1 then
    own(owners, debtor, id)
    if tonumber(due) <= now then
      redis.call('ZADD', base .. ':ready:' .. segment, rank, id)
    else
      redis.call('ZADD', base .. ':waiting:' .. segment, due, id .. ':' .. rank)
    end
    if not known[segment] then redis.call('SADD', segments, segment) end
    known[segment] = true
    added = added + 1
  end
end
return added
