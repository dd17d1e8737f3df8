-- What every operation uses: the arguments of the call, the record and log of a session, and notices to owners.
-- The files of this folder are joined into one script (redis-script.ts): this one first, run.lua last.
--
-- KEYS[1]   {prefix:NN}:servers     every other key begins with the same tag, so it is in the same slot:
--   {tag}:s:<id>      hash          the record of a session, see below
--   {tag}:l:<id>      list          its log; an entry is f64 first, u32 count, u32 bytes of JSON, JSON with commas between
--   {tag}:r:<id>      set           its rooms
--   {tag}:m:<room>    set           ids of a room's members
--   {tag}:c:<client>  set           ids of a client's sessions
--   {tag}:a:<id>      set           what was appended anew after a restart, for a minute
--   {tag}:own:<srv>   set           ids that a server owns
--   {tag}:detached    sorted set    ids that nobody owns, by when they expire (ms, this Redis's clock)
--   {tag}:servers     hash          server -> heartbeats
--   {tag}:names       hash          server -> the name it joined under
--   {tag}:dead        set           servers that were thought dead and still have sessions in own:<srv>
--   {tag}:sent        hash          server -> number of the last publish to it
--   {tag}:life        hash          run, since (ms), shards: see server.lua
--   {tag}:to:<srv>    channel       notices to a server
--
-- ARGV[1]   number of this call, given back
-- ARGV[2]   the calling server: 12 characters, new each time it joins
-- ARGV[3]   the run: the first 16 characters of this Redis's run_id
-- ARGV[4]   1 when owners have had their time to restore, 2 when that was a while ago, else 0
-- ARGV[5]   an epoch nobody has used
-- ARGV[6]   windowMessages
-- ARGV[7]   windowBytes
-- ARGV[8]   detachedMs
-- ARGV[9]   sessionsPerClientMax
-- ARGV[10…] operations, one after the other: name, then its arguments (listed above each `ops.<name>`)

local call, pack, unpack, concat = redis.call, struct.pack, struct.unpack, table.concat

local tag = string.sub(KEYS[1], 1, -8)
local RECORD, LOG, ROOMS, MEMBERS = tag .. 's:', tag .. 'l:', tag .. 'r:', tag .. 'm:'
local CLIENT, OWN, DETACHED, SERVERS = tag .. 'c:', tag .. 'own:', tag .. 'detached', tag .. 'servers'
local me, run, settled, newEpoch = ARGV[2], ARGV[3], ARGV[4] ~= '0', ARGV[5]
local windowMessages, windowBytes = tonumber(ARGV[6]), tonumber(ARGV[7])
local detachedMs, sessionsPerClientMax = tonumber(ARGV[8]), tonumber(ARGV[9])

-- Results that are no result. redis-shard.ts knows the same numbers.
local UNKNOWN, UNVERIFIED, TOO_MANY = -1, -2, -3

-- A record's fields: p position, f fence, h handled, e epoch, c client, s hash of the secret; after a restore also
-- k the run before and n the last offset known in it.
-- A position is what an append reads and writes, in one field, because every field costs: last offset, base (the last
-- offset that has left the log), bytes in the log, the run that the record is known to be right in, the owner.
-- At 52 bytes it stays below hash-max-listpack-value, above which a hash takes twice the memory.
local POSITION = '>dddc16c12'
local NOBODY = '------------'

-- An entry without its JSON.
local HEAD, HEAD_BYTES = '>dI4I4', 16

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
-- An entry goes out as id and entry. All else is a section: u8 kind, u8 length of id, u32 length of body, id, body. An
-- id is 24 characters and begins with a hex digit, so with none of the kinds. Big-endian. redis-notice.ts reads them.

local OWN_ENTRY, ROOM_ENTRY, FENCED, RELEASED, ENDED, LANE, JOINED, LEFT = 1, 2, 3, 4, 5, 6, 7, 8

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

-- Gives last, base, bytes, run and owner, or nothing.
local function read(id)
  local position = call('HGET', RECORD .. id, 'p')
  if position then return unpack(POSITION, position) end
end

local function write(id, last, base, bytes, run, owner)
  call('HSET', RECORD .. id, 'p', pack(POSITION, last, base, bytes, run, owner))
end

local function expireKeys(id)
  local after = detachedMs + ABANDONED_MS
  call('PEXPIRE', RECORD .. id, after)
  call('PEXPIRE', LOG .. id, after)
  call('PEXPIRE', ROOMS .. id, after)
end

-- From now on it waits, in the indexes; its own record is for the caller to write.
-- First what frees memory: a Redis at its limit refuses a script's first write when that may need some, not the rest.
local function wait(id, owner)
  if owner ~= NOBODY then call('SREM', OWN .. owner, id) else call('ZREM', DETACHED, id) end
  call('ZADD', DETACHED, now() + detachedMs, id)
  expireKeys(id)
end

-- From now on the calling server owns it, likewise.
local function take(id, owner)
  if owner == me then return end
  if owner == NOBODY then
    call('ZREM', DETACHED, id)
    call('PERSIST', RECORD .. id)
    call('PERSIST', LOG .. id)
    call('PERSIST', ROOMS .. id)
  elseif owner then
    call('SREM', OWN .. owner, id)
  end
  call('SADD', OWN .. me, id)
  -- Who owns must be known, or nobody would notice its death. Its own next heartbeat sees that it had been forgotten.
  call('HSETNX', SERVERS, me, 0)
end

local function remove(id, client, owner)
  for _, room in ipairs(call('SMEMBERS', ROOMS .. id)) do call('SREM', MEMBERS .. room, id) end
  call('DEL', RECORD .. id, LOG .. id, ROOMS .. id)
  call('SREM', CLIENT .. client, id)
  if owner == NOBODY then call('ZREM', DETACHED, id) else call('SREM', OWN .. owner, id) end
end

-- A new numbering: whoever read the old one is told of a gap. Gives where it begins.
local function startOver(id, last, owner)
  last = last + LEAP
  call('DEL', LOG .. id)
  call('HDEL', RECORD .. id, 'k', 'n')
  call('HSET', RECORD .. id, 'e', newEpoch)
  write(id, last, last, 0, run, owner)
  return last
end

-- For a record of an earlier run, whose owner has not come back for it. Gives where it begins.
local function giveUp(id, last, owner)
  wait(id, owner)
  return startOver(id, last, NOBODY)
end

-- For a record that is to be written: last, base, bytes and owner, or nil and why not.
local function readVerified(id)
  local last, base, bytes, knownIn, owner = read(id)
  if knownIn == run then return last, base, bytes, owner end
  -- Soon after a restart nobody knows what is missing: its owner may be about to restore it.
  if not settled then return nil, UNVERIFIED end
  if not last then return nil, UNKNOWN end
  last = giveUp(id, last, owner)
  return last, last, 0, NOBODY
end

-- Appends to a verified record. Gives the first offset and the entry.
local function push(id, last, base, bytes, owner, count, json)
  local first, log = last + 1, LOG .. id
  last, bytes = last + count, bytes + #json
  while base < first - 1 and (last - base > windowMessages or bytes > windowBytes) do
    local oldest = call('LPOP', log)
    if oldest then
      local from, many, size = unpack(HEAD, oldest)
      base, bytes = from + many - 1, bytes - size
    else
      base, bytes = first - 1, #json
    end
  end
  -- The record before the log: should the second of the two fail, there is a hole, which readers see, and not a
  -- message that the next one overwrites.
  write(id, last, base, bytes, run, owner)
  local entry = pack(HEAD, first, count, #json) .. json
  call('RPUSH', log, entry)
  if owner == NOBODY then call('PEXPIRE', log, detachedMs + ABANDONED_MS) end
  return first, entry
end

-- Drops whole entries that end at `acked` or before. Gives the new base and bytes; the record is for the caller to write.
local function drop(id, acked, last, base, bytes)
  if acked <= base then return base, bytes end
  if acked >= last then
    call('DEL', LOG .. id)
    return last, 0
  end
  repeat
    local page = call('LRANGE', LOG .. id, 0, 31)
    local read = 0
    for i = 1, #page do
      local first, count, size = unpack(HEAD, page[i])
      if first + count - 1 > acked then break end
      base, bytes, read = first + count - 1, bytes - size, i
    end
    if read > 0 then call('LTRIM', LOG .. id, read, -1) end
  until read < 32
  return base, bytes
end

-- The log for somebody who has read up to `offset` of `epoch`: {epoch, offset, entries}.
local function reading(id, current, last, base, owner, epoch, offset)
  if epoch == current and offset > last then
    -- Nobody can have read what was never appended: this log is not the one that was read.
    return { newEpoch, startOver(id, last, owner), {} }
  end
  if epoch ~= current or offset < base then offset = base end
  local entries = {}
  if offset < last then
    for _, entry in ipairs(call('LRANGE', LOG .. id, 0, -1)) do
      local first, count = unpack(HEAD, entry)
      if first + count - 1 > offset then entries[#entries + 1] = entry end
    end
  end
  return { current, offset, entries }
end
