-- End leases whose deadline is at or before the bound: debtor and phone are free again, and what was set
-- aside because of that debtor goes back to its queue. Repeating it changes nothing.
-- KEYS: queued, leased, deadlines, debtors, phones, owners
-- ARGV: bound ('+inf' = whatever the deadline), prefix of the campaigns' keys, call ids...
local queued, leased, deadlines, debtors, phones, owners = unpack(KEYS)
local bound = ARGV[1] == '+inf' and math.huge or tonumber(ARGV[1])

local ended = {}
for i = 3, #ARGV do
  local call = ARGV[i]
  local deadline = redis.call('ZSCORE', deadlines, call)
  if deadline and tonumber(deadline) <= bound then
    local record = redis.call('HGET', leased, call)
    redis.call('ZREM', deadlines, call)
    redis.call('HDEL', leased, call)
    if record then
      local debtor, phone = string.match(record, '^[^\t]*\t[^\t]*\t([^\t]*)\t([^\t]*)\t')
      free(debtors, debtor, call)
      free(phones, phone, call)
      wake(queued, owners, ARGV[2], debtor)
      ended[#ended + 1] = record
    end
  end
end
return table.concat(ended, '\n')
