-- What every operation uses: the arguments of the call, the record and log of a session, and notices to owners.
-- The files of this folder are joined into one script (redis-script.ts): this one first, run.lua last.
--
-- KEYS[1]   {prefix:NN}:servers     every other key begins with the same tag, so it is in the same slot:
--   {tag}:s:<id>      hash          the record of a session, see below
--   {tag}:l:<id>      list          its log; an entry is f64 first, u32 count, then JSON with commas between
--   {tag}:r:<id>      set           its rooms
--   {tag}:m:<room>    set           ids of a room's members
--   {tag}:c:<client>  set           ids of a client's sessions
--   {tag}:own:<srv>   set           ids that a server owns
--   {tag}:detached    sorted set    ids that nobody owns, by when they expire (ms, this Redis's clock)
--   {tag}:servers     hash          server -> heartbeats
--   {tag}:dead        set           servers that were thought dead and still have sessions in own:<srv>
--   {tag}:sent        hash          server -> number of the last publish to it
--   {tag}:life        hash          run, since (ms), shards: see server.lua
--   {tag}:to:<srv>    channel       notices to a server
--
-- ARGV[1]   number of this call, given back
-- ARGV[2]   the calling server
-- ARGV[3]   run_id of this Redis process
-- ARGV[4]   1 when owners have had their time to restore, else 0
-- ARGV[5]   an epoch nobody has used
-- ARGV[6]   windowMessages
-- ARGV[7]   windowBytes
-- ARGV[8]   detachedMs
-- ARGV[9]   sessionsPerClientMax
-- ARGV[10…] operations, one after the other: name, then its arguments (listed above each `ops.<name>`)

local call, pack, unpack, concat = redis.call, struct.pack, struct.unpack, table.concat

local tag = string.sub(KEYS[1], 1, -8)
local me, run, settled, newEpoch = ARGV[2], ARGV[3], ARGV[4] == '1', ARGV[5]
local windowMessages, windowBytes = tonumber(ARGV[6]), tonumber(ARGV[7])
local detachedMs, sessionsPerClientMax = tonumber(ARGV[8]), tonumber(ARGV[9])

-- Results that are no result. redis-shard.ts knows the same numbers.
local UNKNOWN, UNVERIFIED, TOO_MANY = -1, -2, -3

-- Fields of a record: r run it is known right in, o owner ('' when detached), l last offset, b base (the last offset
-- that has left the log), y bytes in the log, f fence, h handled, e epoch, c client, s hash of the secret,
-- k run before the last restore, n last offset known at that restore.

-- An abandoned Redis empties: what is detached goes by itself a day after it should have been swept.
local ABANDONED_MS = 86400000

-- How far the numbering leaps when a log is started over: past anything that may have been appended and forgotten, so
-- that an acknowledgement still on its way can never be taken for one of a new message.
local LEAP = 4294967296

local ops = {}

local nowMs
local function now()
  if not nowMs then
    local time = call('TIME')
    nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return nowMs
end

-- ---- notices ----
-- A section: u8 kind, u8 length of id, u32 length of body, id, body; big-endian. redis-notice.ts reads them.

local ENTRY, OWN_ENTRY, ROOM_ENTRY, FENCED, RELEASED, ENDED, LANE, JOINED, LEFT = 1, 2, 3, 4, 5, 6, 7, 8, 9

local outbox = {}

local function boxOf(server)
  local box = outbox[server]
  if not box then
    box = {}
    outbox[server] = box
  end
  return box
end

local function tell(server, kind, id, body)
  local box = boxOf(server)
  box[#box + 1] = pack('>BBI4', kind, #id, #body) .. id .. body
end

-- ---- one record ----

local function expireKeys(id)
  local after = detachedMs + ABANDONED_MS
  call('PEXPIRE', tag .. 's:' .. id, after)
  call('PEXPIRE', tag .. 'l:' .. id, after)
  call('PEXPIRE', tag .. 'r:' .. id, after)
end

-- From now on nobody owns it.
local function release(id, owner)
  -- First what frees memory: a Redis at its limit refuses a script's first write when that may need some, not the rest.
  if owner ~= '' then call('SREM', tag .. 'own:' .. owner, id) end
  call('ZREM', tag .. 'detached', id)
  call('HSET', tag .. 's:' .. id, 'o', '')
  call('ZADD', tag .. 'detached', now() + detachedMs, id)
  expireKeys(id)
end

-- From now on the calling server owns it; the record's own field is for the caller to set.
local function take(id, owner)
  if owner == me then return end
  if owner == '' then
    call('ZREM', tag .. 'detached', id)
    call('PERSIST', tag .. 's:' .. id)
    call('PERSIST', tag .. 'l:' .. id)
    call('PERSIST', tag .. 'r:' .. id)
  else
    call('SREM', tag .. 'own:' .. owner, id)
  end
  call('SADD', tag .. 'own:' .. me, id)
  -- Who owns must be known, or nobody would notice its death. Its own next heartbeat sees that it had been forgotten.
  call('HSETNX', tag .. 'servers', me, 0)
end

local function remove(id, client, owner)
  for _, room in ipairs(call('SMEMBERS', tag .. 'r:' .. id)) do call('SREM', tag .. 'm:' .. room, id) end
  call('DEL', tag .. 's:' .. id, tag .. 'l:' .. id, tag .. 'r:' .. id)
  call('SREM', tag .. 'c:' .. client, id)
  if owner ~= '' then call('SREM', tag .. 'own:' .. owner, id) else call('ZREM', tag .. 'detached', id) end
end

-- A new numbering: whoever read the old one is told of a gap. Gives where it begins.
local function startOver(id, last)
  last = last + LEAP
  call('DEL', tag .. 'l:' .. id)
  call('HDEL', tag .. 's:' .. id, 'k', 'n')
  call('HSET', tag .. 's:' .. id, 'e', newEpoch, 'r', run, 'l', last, 'b', last, 'y', 0)
  return last
end

-- For a record of an earlier run, whose owner has not come back for it.
local function giveUp(id, owner, last)
  startOver(id, last)
  release(id, owner)
end

-- run, owner, last, base, bytes
local function read(id)
  return call('HMGET', tag .. 's:' .. id, 'r', 'o', 'l', 'b', 'y')
end

-- The same of a record that may be written, or nil and why not.
local function readVerified(id)
  local found = read(id)
  if found[1] == run then return found end
  -- Soon after a restart nobody knows what is missing: its owner may be about to restore it.
  if not settled then return nil, UNVERIFIED end
  if not found[1] then return nil, UNKNOWN end
  giveUp(id, found[2], tonumber(found[3]))
  return read(id)
end

-- Appends to a record as `read` gives it. Gives the first offset.
local function push(id, found, count, json)
  local first = found[3] + 1
  local last = first + count - 1
  local base, bytes = tonumber(found[4]), found[5] + #json
  local log = tag .. 'l:' .. id
  while base < first - 1 and (last - base > windowMessages or bytes > windowBytes) do
    local oldest = call('LPOP', log)
    if oldest then
      local from, many = unpack('>dI4', oldest)
      base, bytes = from + many - 1, bytes - #oldest + 12
    else
      base, bytes = first - 1, #json
    end
  end
  -- The record before the log: should the second of the two fail, there is a hole, which readers see, and not a
  -- message that the next one overwrites.
  call('HSET', tag .. 's:' .. id, 'l', last, 'b', base, 'y', bytes)
  local entry = pack('>dI4', first, count) .. json
  call('RPUSH', log, entry)
  if found[2] == '' then call('PEXPIRE', log, detachedMs + ABANDONED_MS) end
  return first, entry
end

-- Drops whole entries that end at `acked` or before. Gives the new base.
local function drop(id, acked, last, base, bytes)
  if acked <= base then return base end
  local log = tag .. 'l:' .. id
  local from = base
  if acked >= last then
    call('DEL', log)
    base, bytes = last, 0
  else
    repeat
      local page = call('LRANGE', log, 0, 31)
      local read = 0
      for i = 1, #page do
        local first, count = unpack('>dI4', page[i])
        if first + count - 1 > acked then break end
        base, bytes, read = first + count - 1, bytes - #page[i] + 12, i
      end
      if read > 0 then call('LTRIM', log, read, -1) end
    until read < 32
  end
  if base > from then call('HSET', tag .. 's:' .. id, 'b', base, 'y', bytes) end
  return base
end

-- The log for somebody who has read up to `offset` of `epoch`: {epoch, offset, entries}.
local function reading(id, current, last, base, epoch, offset)
  if epoch == current and offset > last then
    -- Nobody can have read what was never appended: this log is not the one that was read.
    return { newEpoch, startOver(id, last), {} }
  end
  if epoch ~= current or offset < base then offset = base end
  local entries = {}
  if offset < last then
    for _, entry in ipairs(call('LRANGE', tag .. 'l:' .. id, 0, -1)) do
      local first, count = unpack('>dI4', entry)
      if first + count - 1 > offset then entries[#entries + 1] = entry end
    end
  end
  return { current, offset, entries }
end
