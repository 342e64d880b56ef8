-- Lease leads that are due: between segments by weight, within one by its rank. Nobody whose debtor or phone
-- is in a call is handed out: such a lead is set aside, so that the head is never scanned twice.
-- KEYS: queued, leased, deadlines, debtors, phones, owners, aside, parked, passes
-- ARGV: n, now, until, looks (most leads looked at), aside until, prefix of the campaign's keys,
--       then per segment: name, weight, priority
local queued, leased, deadlines, debtors, phones, owners, aside, parked, passes = unpack(KEYS)
local n, now, till, looks = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local retry_at, base = ARGV[5], ARGV[6]
local now_s = tonumber(now)

-- The virtual time's own field: no name of a segment holds a tab.
local VIRTUAL = '\t'
-- Divisible by every weight up to 16, so that equal shares meet again exactly.
local STRIDE = 720720
-- Leads made ready in one run beyond what is handed out, at least one a segment.
local MOVES = 128

-- Names of queues are made here: every key carries the same hash tag, so a Cluster agrees.
local function waiting_of(segment) return base .. ':waiting:' .. segment end
local function ready_of(segment) return base .. ':ready:' .. segment end

-- A record begins: segment, due, debtor, phone, call, campaign, rank. Only what is needed is cut out of it.
local function rank_of(record)
  return string.match(record, '^[^\t]*\t[^\t]*\t[^\t]*\t[^\t]*\t[^\t]*\t[^\t]*\t([^\t]*)')
end

-- What rested long enough: a lead that is due is ready; one that is not leaves, the books bring it when it is.
local function return_the_rested(resting)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', resting, '-inf', now, 'LIMIT', 0, 100)) do
    local record = redis.call('HGET', queued, id)
    if record then
      local segment, due, debtor = string.match(record, '^([^\t]*)\t([^\t]*)\t([^\t]*)')
      if tonumber(due) <= now_s then
        redis.call('ZADD', ready_of(segment), rank_of(record), id)
      else
        redis.call('HDEL', queued, id)
        disown(owners, debtor, id)
      end
    end
    redis.call('ZREM', resting, id)
  end
end

local function promote(lane, most)
  local ids = redis.call('ZRANGEBYSCORE', lane.waiting, '-inf', now, 'LIMIT', 0, most)
  if #ids == 0 then return end
  local risen = {}
  for i, record in ipairs(redis.call('HMGET', queued, unpack(ids))) do
    if record then
      risen[#risen + 1] = rank_of(record)
      risen[#risen + 1] = ids[i]
    end
  end
  if #risen > 0 then redis.call('ZADD', lane.ready, unpack(risen)) end
  -- By rank: they are the first, and nobody has to look for them.
  redis.call('ZREMRANGEBYRANK', lane.waiting, 0, #ids - 1)
end

local lanes, virtual, weights = {}, 0, 0
-- Passes that are not yet in Redis: of whoever was served, and of whoever came back and waits for its turn.
local passed = {}

local function open_lanes()
  local names = { VIRTUAL }
  for a = 7, #ARGV, 3 do names[#names + 1] = ARGV[a] end
  local kept = redis.call('HMGET', passes, unpack(names))
  virtual = tonumber(kept[1] or '0')
  local share = math.max(1, math.floor(MOVES / math.max(1, #names - 1)))
  for i = 2, #names do
    local a = 7 + (i - 2) * 3
    local lane = {
      name = names[i], waiting = waiting_of(names[i]), ready = ready_of(names[i]),
      weight = tonumber(ARGV[a + 1]), priority = tonumber(ARGV[a + 2]),
      place = i, ids = {}, records = {}, at = 1,
    }
    promote(lane, share)
    if redis.call('ZCARD', lane.ready) > 0 then
      -- Whoever had nothing to hand out comes back at the present, and waits for its turn as after one of its
      -- own: an absence earns no credit, and a light segment does not push in before a heavy one.
      lane.pass = tonumber(kept[i] or '-1')
      if lane.pass < virtual then
        lane.pass = virtual + STRIDE / lane.weight
        passed[lane.name] = lane.pass
      end
      weights = weights + lane.weight
      lanes[#lanes + 1] = lane
    end
  end
end

-- The buffer's leads leave the head, by rank: they were leased, set aside, or are nobody's any more.
local function drop_the_seen(lane)
  if lane.at > 1 then redis.call('ZREMRANGEBYRANK', lane.ready, 0, lane.at - 2) end
end

local function fetch(lane)
  drop_the_seen(lane)
  local size = math.max(1, math.min(math.ceil(n * lane.weight / weights), looks, 500))
  lane.ids, lane.records, lane.at = redis.call('ZRANGE', lane.ready, 0, size - 1), {}, 1
  if #lane.ids == 0 then
    promote(lane, size)
    lane.ids = redis.call('ZRANGE', lane.ready, 0, size - 1)
  end
  if #lane.ids > 0 then lane.records = redis.call('HMGET', queued, unpack(lane.ids)) end
end

-- Whose turn comes first: the smaller pass, among equals the higher priority, then the order given.
local function before(a, b)
  if a.pass ~= b.pass then return a.pass < b.pass end
  if a.priority ~= b.priority then return a.priority > b.priority end
  return a.place < b.place
end

-- Lanes are a heap: the one whose turn it is stands first, and sinks when its pass has grown.
local function sink(at)
  local lane = lanes[at]
  while true do
    local child = 2 * at
    if child < #lanes and before(lanes[child + 1], lanes[child]) then child = child + 1 end
    if child > #lanes or not before(lanes[child], lane) then break end
    lanes[at] = lanes[child]
    at = child
  end
  lanes[at] = lane
end

local function leave_the_heap()
  lanes[1] = lanes[#lanes]
  lanes[#lanes] = nil
  if #lanes > 0 then sink(1) end
end

local given, fresh = {}, { marked = {}, due = {}, ids = {}, debtors = {} }

-- What was handed out, written down in few commands; before unpack meets the size of Lua's stack.
local function write_down()
  if #fresh.ids == 0 then return end
  redis.call('HSET', leased, unpack(fresh.marked))
  redis.call('ZADD', deadlines, unpack(fresh.due))
  redis.call('HDEL', queued, unpack(fresh.ids))
  local left, none = {}, {}
  for i, ids in ipairs(redis.call('HMGET', owners, unpack(fresh.debtors))) do
    local rest = ids and without(ids, fresh.ids[i])
    if rest then
      left[#left + 1] = fresh.debtors[i]
      left[#left + 1] = rest
    else
      none[#none + 1] = fresh.debtors[i]
    end
  end
  if #left > 0 then redis.call('HSET', owners, unpack(left)) end
  if #none > 0 then redis.call('HDEL', owners, unpack(none)) end
  fresh = { marked = {}, due = {}, ids = {}, debtors = {} }
end

local function hand_out(id, record)
  local debtor, phone, call = string.match(record, '^[^\t]*\t[^\t]*\t([^\t]*)\t([^\t]*)\t([^\t]*)')
  local free = redis.call('HSETNX', debtors, debtor, call) == 1
  if free and redis.call('HSETNX', phones, phone, call) == 0 then
    redis.call('HDEL', debtors, debtor)
    free = false
  end
  if not free then
    redis.call('ZADD', aside, retry_at, id)
    return false
  end
  local marked, due, ids = fresh.marked, fresh.due, fresh.ids
  marked[#marked + 1] = call
  marked[#marked + 1] = record
  due[#due + 1] = till
  due[#due + 1] = call
  ids[#ids + 1] = id
  fresh.debtors[#ids] = debtor
  given[#given + 1] = record
  if #ids == 500 then write_down() end
  return true
end

local function serve(lane)
  if lane.at > #lane.ids then fetch(lane) end
  local id, record = lane.ids[lane.at], lane.records[lane.at]
  if not id then return leave_the_heap() end
  lane.at = lane.at + 1
  looks = looks - 1
  if record and hand_out(id, record) then
    virtual = lane.pass
    lane.pass = lane.pass + STRIDE / lane.weight
    passed[lane.name] = lane.pass
    sink(1)
  end
end

return_the_rested(aside)
return_the_rested(parked)
open_lanes()
local opened = { unpack(lanes) }
for at = math.floor(#lanes / 2), 1, -1 do sink(at) end
while #given < n and looks > 0 and #lanes > 0 do serve(lanes[1]) end
write_down()
for _, lane in ipairs(opened) do drop_the_seen(lane) end
local kept = { VIRTUAL, string.format('%.17g', virtual) }
for name, pass in pairs(passed) do
  kept[#kept + 1] = name
  kept[#kept + 1] = string.format('%.17g', pass)
end
if #kept > 2 then redis.call('HSET', passes, unpack(kept)) end
-- One string: a client reads it many times faster than a list, and no record holds the end of a line.
return table.concat(given, '\n')
