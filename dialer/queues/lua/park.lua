-- Refused leads rest until they may be called: a lease ends and its debtor and phone are free, or the lead
-- leaves the queue it stood in. One that is neither leased nor queued is left alone.
-- KEYS: queued, leased, deadlines, debtors, phones, owners, aside, parked
-- ARGV: prefix of the campaigns' keys, campaign, most leads parked at once,
--       then per lead: lead id, call id, debtor, phone, segment, looked at again, record
local queued, leased, deadlines, debtors, phones, owners, aside, parked = unpack(KEYS)
local prefix, base, most = ARGV[1], ARGV[1] .. ARGV[2], tonumber(ARGV[3])

local resting, done = redis.call('ZCARD', parked), {}
for i = 4, #ARGV, 7 do
  local id, call, debtor, phone, segment, again, record = unpack(ARGV, i, i + 6)
  local held = redis.call('ZREM', deadlines, call) == 1
  local there = redis.call('HEXISTS', queued, id) == 1
  if held or there then
    for _, queue in ipairs({ base .. ':ready:' .. segment, base .. ':waiting:' .. segment, aside }) do
      redis.call('ZREM', queue, id)
    end
    if resting < most or redis.call('ZSCORE', parked, id) then
      redis.call('HSET', queued, id, record)
      if not there then own(owners, debtor, id) end
      resting = resting + redis.call('ZADD', parked, again, id)
    else
      -- Too many rest already: the books bring this one when it is due.
      redis.call('HDEL', queued, id)
      if there then disown(owners, debtor, id) end
    end
    done[#done + 1] = call
  end
  if held then
    redis.call('HDEL', leased, call)
    free(debtors, debtor, call)
    free(phones, phone, call)
    wake(queued, owners, prefix, debtor)
  end
end
return done
