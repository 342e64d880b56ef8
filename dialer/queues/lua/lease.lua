-- Lease leads that are due: between segments by weight, within one by its rank. Nobody whose debtor or phone
-- is in a call is handed out: such a lead is set aside, so that the head is never scanned twice.
-- Work is done in few commands over many leads, and of what a million leads fill only the heads of the queues
-- and the records handed out are touched: a record stays where it is until its call ends.
-- KEYS: queued, leased, deadlines, debtors, phones, aside, turns kept
-- ARGV: n, now, until, looks (most leads looked at), aside until, prefix of the campaign's keys,
--       segments (a line each: name, weight, priority, tab-separated)
local queued, leased, deadlines, debtors, phones, aside, kept = unpack(KEYS)
local n, now, till, looks = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local retry_at, base = ARGV[5], ARGV[6]

-- Divisible by every weight up to 16, so that equal shares meet again exactly.
local STRIDE = 720720
-- Segments with ready leads whose waiting ones are looked at in one run; the others' turn comes in the next.
local LOOKED_AT = 10
-- Leads made ready in one run beyond what is handed out, at least one a segment.
local MOVES = 256

-- Names of queues are made here: every key carries the same hash tag, so a Cluster agrees.
local function ready_of(segment) return base .. ':ready:' .. segment end

-- What rested long enough is ready again; an id without a record is nobody's any more.
-- A record begins: segment, due, debtor, phone, call, campaign, rank. Only what is needed is cut out of it.
local function return_the_rested()
  local ids = redis.call('ZRANGEBYSCORE', aside, '-inf', now, 'LIMIT', 0, 100)
  if #ids == 0 then return end
  redis.call('ZREMRANGEBYRANK', aside, 0, #ids - 1)
  for i, record in ipairs(redis.call('HMGET', queued, unpack(ids))) do
    if record then
      local segment, rank = string.match(record, '^([^\t]*)\t[^\t]*\t[^\t]*\t[^\t]*\t[^\t]*\t[^\t]*\t([^\t]*)')
      redis.call('ZADD', ready_of(segment), rank, ids[i])
    end
  end
end

-- What waited and is due becomes ready, earliest first; whoever waits carries its rank, no record is read.
local function promote(lane, most)
  if lane.dry then return 0 end
  local waiters = redis.call('ZRANGEBYSCORE', lane.waiting, '-inf', now, 'LIMIT', 0, most)
  lane.dry = #waiters < most
  if #waiters == 0 then return 0 end
  local risen = {}
  for i, waiter in ipairs(waiters) do
    local id, rank = string.match(waiter, '^([^:]*):(.*)$')
    -- One queued by an older version carries none.
    risen[2 * i - 1], risen[2 * i] = rank or now, id or waiter
  end
  -- By rank: they are the first, and nobody has to look for them.
  redis.call('ZREMRANGEBYRANK', lane.waiting, 0, #waiters - 1)
  lane.left = lane.left + redis.call('ZADD', lane.ready, unpack(risen))
  return #waiters
end

local lanes, virtual, weights = {}, 0, 0
-- Whoever had nothing to hand out comes back at the present, and waits for its turn as after one of its own:
-- an absence earns no credit, and a light segment does not push in before a heavy one.
local function enter(lane, pass)
  lane.pass = (not pass or pass < virtual) and virtual + lane.stride or pass
  weights = weights + lane.weight
  lanes[#lanes + 1] = lane
end

local function open_lanes()
  local known, turn = {}, 0
  local text = redis.call('GET', kept)
  if text then
    local first, time, rest = string.match(text, '^(%d+)\t([^\n]*)\n(.*)$')
    turn, virtual = tonumber(first), tonumber(time)
    for name, pass in string.gmatch(rest, '([^\t]*)\t([^\n]*)\n') do known[name] = tonumber(pass) end
  end
  local all = {}
  for name, weight, priority in string.gmatch(ARGV[7], '([^\t]*)\t([^\t]*)\t([^\n]*)\n') do
    weight = tonumber(weight)
    all[#all + 1] = {
      name = name, waiting = base .. ':waiting:' .. name, ready = base .. ':ready:' .. name, weight = weight,
      priority = tonumber(priority), stride = STRIDE / weight, place = #all, want = 0,
    }
  end
  local visits, moves = math.min(#all, LOOKED_AT), MOVES
  for _, lane in ipairs(all) do
    lane.left = redis.call('ZCARD', lane.ready)
    local visited = (lane.place - turn) % #all < LOOKED_AT
    if visited or lane.left == 0 then
      moves = moves - promote(lane, math.max(1, math.floor(moves / math.max(1, visits))))
    end
    if visited then visits = visits - 1 end
    if lane.left > 0 then enter(lane, known[lane.name]) end
  end
  return known, (turn + LOOKED_AT) % #all
end

-- Whose turn comes first: the smaller pass, among equals the higher priority, then the order given.
local function before(a, b)
  if a.pass ~= b.pass then return a.pass < b.pass end
  if a.priority ~= b.priority then return a.priority > b.priority end
  return a.place < b.place
end

-- Lanes are a heap: the one whose turn it is stands first, and sinks when its pass has grown.
local function sink(heap, at)
  local lane = heap[at]
  while true do
    local child = 2 * at
    if child < #heap and before(heap[child + 1], heap[child]) then child = child + 1 end
    if child > #heap or not before(heap[child], lane) then break end
    heap[at] = heap[child]
    at = child
  end
  heap[at] = lane
end

local function heap_of_lanes()
  local heap = {}
  for _, lane in ipairs(lanes) do
    if lane.left > 0 then heap[#heap + 1] = lane end
  end
  for at = math.floor(#heap / 2), 1, -1 do sink(heap, at) end
  return heap
end

-- The lanes whose turn is next, in order; a lane without leads passes its turns on.
local function next_turns(most)
  local heap, turns = heap_of_lanes(), {}
  while #turns < most and #heap > 0 do
    local lane = heap[1]
    turns[#turns + 1] = lane
    lane.want = lane.want + 1
    lane.left = lane.left - 1
    lane.pass = lane.pass + lane.stride
    if lane.left == 0 then promote(lane, math.ceil(n * lane.weight / weights)) end
    if lane.left == 0 then
      heap[1] = heap[#heap]
      heap[#heap] = nil
    end
    if #heap > 0 then sink(heap, 1) end
  end
  return turns
end

local function popped(turns)
  local ids = {}
  for i, lane in ipairs(turns) do
    if lane.want > 0 then
      lane.head, lane.at, lane.want = redis.call('ZPOPMIN', lane.ready, lane.want), 1, 0
    end
    ids[i] = lane.head[lane.at] or ''
    lane.at = lane.at + 2
  end
  return ids
end

local given = {}

-- Write down who was handed out, and who rests.
local function write_down(round)
  if #round.debtors > 0 then
    redis.call('HSET', debtors, unpack(round.debtors))
    redis.call('HSET', phones, unpack(round.phones))
    redis.call('HSET', leased, unpack(round.leased))
    redis.call('ZADD', deadlines, unpack(round.deadlines))
  end
  if #round.aside > 0 then redis.call('ZADD', aside, unpack(round.aside)) end
end

local function add(list, a, b)
  list[#list + 1] = a
  list[#list + 1] = b
end

-- Look at one lead per turn; a turn that hands out nobody is given back.
local function serve(turns)
  local ids, who, whose, calls = popped(turns), {}, {}, {}
  local records = redis.call('HMGET', queued, unpack(ids))
  for i, record in ipairs(records) do
    who[i], whose[i], calls[i] = '', '', ''
    if record then who[i], whose[i], calls[i] = string.match(record, '^[^\t]*\t[^\t]*\t([^\t]*)\t([^\t]*)\t([^\t]*)') end
  end
  local in_call, in_use = redis.call('HMGET', debtors, unpack(who)), redis.call('HMGET', phones, unpack(whose))
  local round, taken, used = { debtors = {}, phones = {}, leased = {}, deadlines = {}, aside = {} }, {}, {}
  for i, lane in ipairs(turns) do
    local record, debtor, phone, call = records[i], who[i], whose[i], calls[i]
    if record and not (in_call[i] or in_use[i] or taken[debtor] or used[phone]) then
      taken[debtor], used[phone] = true, true
      add(round.debtors, debtor, call)
      add(round.phones, phone, call)
      add(round.leased, call, ids[i])
      add(round.deadlines, till, call)
      given[#given + 1] = record
      lane.served = true
    else
      lane.pass = lane.pass - lane.stride
      if record then add(round.aside, retry_at, ids[i]) end
    end
  end
  write_down(round)
end

-- The present is the last turn taken, unless somebody with leads has an earlier one due to the bound on looks.
local function the_present()
  local latest, earliest = virtual, math.huge
  for _, lane in ipairs(lanes) do
    if lane.served then latest = math.max(latest, lane.pass - lane.stride) end
    if lane.left > 0 then earliest = math.min(earliest, lane.pass) end
  end
  return math.max(virtual, math.min(latest, earliest))
end

-- Passes are kept as one text; those behind the present say nothing any more.
local function keep(passes, turn)
  for _, lane in ipairs(lanes) do passes[lane.name] = lane.pass end
  local present = the_present()
  local lines = { string.format('%d\t%.17g', turn, present) }
  for name, pass in pairs(passes) do
    if pass >= present then lines[#lines + 1] = string.format('%s\t%.17g', name, pass) end
  end
  lines[#lines + 1] = ''
  redis.call('SET', kept, table.concat(lines, '\n'))
end

return_the_rested()
local passes, turn = open_lanes()
while #given < n and looks > 0 do
  local turns = next_turns(math.min(n - #given, looks))
  if #turns == 0 then break end
  looks = looks - #turns
  serve(turns)
end
keep(passes, turn)
-- One string: a client reads it many times faster than a list, and no record holds the end of a line.
return table.concat(given, '\n')
