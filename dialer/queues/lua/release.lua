-- End leases whose deadline is at or before the bound: debtor and phone are free again, and what was set
-- aside because of that debtor goes back to its queue. Repeating it changes nothing.
-- KEYS: queued, leased, deadlines, debtors, phones, owners
-- ARGV: bound ('+inf' = whatever the deadline), prefix of the campaigns' keys, call ids...
local queued, leased, deadlines, debtors, phones, owners = unpack(KEYS)
local bound = ARGV[1] == '+inf' and math.huge or tonumber(ARGV[1])

local function over()
  local calls, seen = {}, {}
  for i = 3, #ARGV do
    local call = ARGV[i]
    local deadline = not seen[call] and redis.call('ZSCORE', deadlines, call)
    seen[call] = true
    if deadline and tonumber(deadline) <= bound then calls[#calls + 1] = call end
  end
  return calls
end

-- The records of leases: kept by lead, or, in a lease of an older version, in the lease itself.
local function records_of(held)
  local ids = {}
  for i, kept in ipairs(held) do ids[i] = kept or '' end
  local records = redis.call('HMGET', queued, unpack(ids))
  for i, kept in ipairs(held) do
    if kept and string.find(kept, '\t', 1, true) then records[i] = kept end
  end
  redis.call('HDEL', queued, unpack(ids))
  return ids, records
end

-- Remove the marks that these calls set; another call's mark stays.
local function free(marks, names, calls)
  if #names == 0 then return end
  local mine = {}
  for i, call in ipairs(redis.call('HMGET', marks, unpack(names))) do
    if call == calls[i] then mine[#mine + 1] = names[i] end
  end
  if #mine > 0 then redis.call('HDEL', marks, unpack(mine)) end
end

-- What was set aside because of a debtor goes back to its queue, in whatever campaign.
local function wake(id)
  local record = redis.call('HGET', queued, id)
  if not record then return end
  local segment, due, campaign, rank =
    string.match(record, '^([^\t]*)\t([^\t]*)\t[^\t]*\t[^\t]*\t[^\t]*\t([^\t]*)\t([^\t]*)\t')
  local base = ARGV[2] .. campaign
  if redis.call('ZREM', base .. ':aside', id) == 1 then
    redis.call('ZADD', base .. ':waiting:' .. segment, due, id .. ':' .. rank)
  end
end

-- The debtors' other leads remain theirs, and those set aside may be called now.
local function disown_and_wake(people, ids)
  if #people == 0 then return end
  local alone = {}
  for i, own in ipairs(redis.call('HMGET', owners, unpack(people))) do
    local rest = own and without(own, ids[i])
    if rest then
      redis.call('HSET', owners, people[i], rest)
      for other in string.gmatch(rest, '[^,]+') do wake(other) end
    elseif own then
      alone[#alone + 1] = people[i]
    end
  end
  if #alone > 0 then redis.call('HDEL', owners, unpack(alone)) end
end

local calls = over()
if #calls == 0 then return '' end
local ids, records = records_of(redis.call('HMGET', leased, unpack(calls)))
redis.call('ZREM', deadlines, unpack(calls))
redis.call('HDEL', leased, unpack(calls))
local ended, enders, people, numbers, theirs = {}, {}, {}, {}, {}
for i, record in ipairs(records) do
  if record then
    local at = #ended + 1
    people[at], numbers[at] = string.match(record, '^[^\t]*\t[^\t]*\t([^\t]*)\t([^\t]*)\t')
    ended[at], enders[at], theirs[at] = record, calls[i], ids[i]
  end
end
free(debtors, people, enders)
free(phones, numbers, enders)
disown_and_wake(people, theirs)
return table.concat(ended, '\n')
