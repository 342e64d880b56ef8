-- End leases whose deadline is at or before the bound: debtor and phone are free again, and what was set
-- aside because of that debtor goes back to its queue. Repeating it changes nothing.
-- KEYS: leads, leased, deadlines, debtors, phones, owners
-- ARGV: bound ('+inf' = whatever the deadline), prefix of the campaigns' keys, call ids...
local leads, leased, deadlines, debtors, phones, owners = unpack(KEYS)
local bound = ARGV[1] == '+inf' and math.huge or tonumber(ARGV[1])

local function fields(record)
  return string.match(record, '^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t')
end

local function wake(debtor)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', owners, debtor, debtor, 'LIMIT', 0, 20)) do
    local record = redis.call('HGET', leads, id)
    if record then
      local segment, due, _, _, _, campaign = fields(record)
      local aside = ARGV[2] .. campaign .. ':aside'
      if redis.call('ZSCORE', aside, id) then
        redis.call('ZADD', ARGV[2] .. campaign .. ':queue:' .. segment, due, id)
        redis.call('ZREM', aside, id)
      end
    end
  end
end

local function free(marks, who, call)
  if redis.call('HGET', marks, who) == call then redis.call('HDEL', marks, who) end
end

local ended = {}
for i = 3, #ARGV do
  local call = ARGV[i]
  local deadline = redis.call('ZSCORE', deadlines, call)
  if deadline and tonumber(deadline) <= bound then
    local record = redis.call('HGET', leased, call)
    redis.call('ZREM', deadlines, call)
    redis.call('HDEL', leased, call)
    if record then
      local _, _, debtor, phone = fields(record)
      free(debtors, debtor, call)
      free(phones, phone, call)
      wake(debtor)
      ended[#ended + 1] = record
    end
  end
end
return ended
