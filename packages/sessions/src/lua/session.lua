-- A session's life and owner. The arguments of an operation follow its name in ARGV, in this order.

-- Constant time for strings of one length: how far a guess is right does not show in how long the answer takes.
local function equal(a, b)
  if #a ~= #b then return false end
  local difference = 0
  for i = 1, #a do difference = bit.bor(difference, bit.bxor(string.byte(a, i), string.byte(b, i))) end
  return difference == 0
end

-- Whether a client may have another session: if it has too many, the one that has been detached longest expires now.
local function makeRoom(client)
  local sessions = CLIENT .. client
  if call('SCARD', sessions) < sessionsPerClientMax then return true end
  local oldest, expiresAt
  for _, id in ipairs(call('SMEMBERS', sessions)) do
    local at = tonumber(call('ZSCORE', DETACHED, id))
    if at and (not oldest or at < expiresAt) then oldest, expiresAt = id, at end
    -- It may be gone by ABANDONED_MS, which does not know of this set.
    if call('EXISTS', RECORD .. id) == 0 then call('SREM', sessions, id) end
  end
  if call('SCARD', sessions) < sessionsPerClientMax then return true end
  if not oldest then return false end
  call('SREM', sessions, oldest)
  call('ZADD', DETACHED, now(), oldest)
  return true
end

-- create: id, client, hash of the secret, epoch, fence -> 1 or TOO_MANY
function ops.create(at)
  local id, client, secretHash, epoch, fence = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local next = at + 5
  if not makeRoom(client) then return TOO_MANY, next end
  call('HSET', RECORD .. id, 'p', pack(POSITION, 0, 0, 0, run, me), 'f', fence, 'h', 0, 'e', epoch, 'c', client,
    's', secretHash)
  call('SADD', CLIENT .. client, id)
  take(id)
  return 1, next
end

-- attach: id, '=' and client or '' for any, hash of the secret, fence, epoch, offset, welcomed
-- -> UNKNOWN, UNVERIFIED, 'forbidden', 'stale' or {epoch, offset, entries, handled, client, rooms, previous owner}
function ops.attach(at)
  local id, claimed, secretHash, fence = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local epoch, offset, welcomed = ARGV[at + 4], tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
  local next = at + 7
  local found = call('HMGET', RECORD .. id, 's', 'c', 'f')
  if not found[1] then return settled and UNKNOWN or UNVERIFIED, next end
  local isSecret = equal(found[1], secretHash)
  if not isSecret or (claimed ~= '' and claimed ~= '=' .. found[2]) then return 'forbidden', next end
  if fence <= tonumber(found[3]) then return 'stale', next end
  local last, base, bytes, owner = readVerified(id)
  if not last then return base, next end
  if welcomed > tonumber(found[3]) then
    last = startOver(id, last, owner)
    base, bytes = last, 0
  end
  local more = call('HMGET', RECORD .. id, 'e', 'h')
  take(id, owner)
  if more[1] == epoch and offset <= last then base, bytes = drop(id, offset, last, base, bytes) end
  call('HSET', RECORD .. id, 'f', fence)
  write(id, last, base, bytes, run, me)
  local result = reading(id, more[1], last, base, me, epoch, offset)
  result[4], result[5] = tonumber(more[2]), found[2]
  result[6] = call('SMEMBERS', ROOMS .. id)
  result[7] = 0
  if owner ~= NOBODY and owner ~= me then
    tell(owner, FENCED, id, pack('>d', fence) .. (call('HGET', tag .. 'names', me) or ''))
    result[7] = call('PUBSUB', 'SHARDNUMSUB', tag .. 'to:' .. owner)[2]
  end
  return result, next
end

-- detach: id, fence -> 1 or 0
function ops.detach(at)
  local id, fence = ARGV[at], ARGV[at + 1]
  if call('HGET', RECORD .. id, 'f') ~= fence then return 0, at + 2 end
  local last, base, bytes, knownIn, owner = read(id)
  wait(id, owner)
  write(id, last, base, bytes, knownIn, NOBODY)
  return 1, at + 2
end

-- end: id -> 1, UNKNOWN or UNVERIFIED (ended before its owner has restored it, it would be restored)
ops['end'] = function(at)
  local id = ARGV[at]
  local last, why, _, owner = readVerified(id)
  if not last then return why, at + 1 end
  remove(id, call('HGET', RECORD .. id, 'c'), owner)
  if owner ~= NOBODY then tell(owner, ENDED, id, '') end
  return 1, at + 1
end

local function check(id, fence, epoch, offset, handled, heldRun)
  local last, base, bytes, knownIn, owner = read(id)
  if not last then return heldRun == run and 'ended' or 'lost' end
  if knownIn ~= run then return 'lost' end
  local found = call('HMGET', RECORD .. id, 'f', 'h', 'e')
  if tonumber(found[1]) > fence then return 'fenced' end
  if tonumber(found[1]) < fence then
    -- Restored by an owner that had been fenced, which this Redis has forgotten.
    last = startOver(id, last, owner)
    base, bytes, found[3] = last, 0, newEpoch
  end
  if found[3] ~= epoch and offset > base then
    -- A leap may have been rolled back: acknowledgements of that numbering, on their way yet, could pass for some of this.
    last = startOver(id, math.max(last, offset), owner)
    base, bytes, found[3] = last, 0, newEpoch
  end
  handled = math.max(handled, tonumber(found[2]))
  take(id, owner)
  if owner ~= me then write(id, last, base, bytes, run, me) end
  call('HSET', RECORD .. id, 'f', fence, 'h', handled)
  local result = reading(id, found[3], last, base, me, epoch, offset)
  result[4] = handled
  return result
end

-- check: id, fence, epoch, last, handled, run -> 'ended', 'lost', 'fenced' or {epoch, offset, entries, handled}
function ops.check(at)
  return check(ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]),
    ARGV[at + 5]), at + 6
end

-- restore: id, fence, epoch, last, handled, run, client, hash of the secret, acked,
--   number of rooms, rooms…, number of entries, entries (as in a log)… -> as check
function ops.restore(at)
  local id, fence, epoch, offset = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], tonumber(ARGV[at + 3])
  local handled, heldRun, client, secretHash = tonumber(ARGV[at + 4]), ARGV[at + 5], ARGV[at + 6], ARGV[at + 7]
  local acked, rooms = tonumber(ARGV[at + 8]), tonumber(ARGV[at + 9])
  local roomsAt = at + 10
  local entries = tonumber(ARGV[roomsAt + rooms])
  local entriesAt = roomsAt + rooms + 1
  local next = entriesAt + entries

  local oldLast, oldBase, oldBytes, knownIn, owner = read(id)
  if knownIn == run then return check(id, fence, epoch, offset, handled, heldRun), next end
  local last, base, bytes, log = offset, offset, 0, {}
  local found = oldLast and call('HMGET', RECORD .. id, 'f', 'h', 'e', 'c')
  if found and tonumber(found[1]) > fence then return 'fenced', next end
  if found and found[3] == epoch and oldLast >= last then
    -- An older state of the same numbering may be ahead of its owner, if what it published was lost on the way.
    last, base, bytes, log = oldLast, oldBase, oldBytes, call('LRANGE', LOG .. id, 0, -1)
  else
    for i = 1, entries do
      log[i] = ARGV[entriesAt + i - 1]
      bytes = bytes + #log[i] - HEAD_BYTES
    end
    if entries > 0 then base = unpack('>d', log[1]) - 1 end
  end
  if found then
    handled = math.max(handled, tonumber(found[2]))
    remove(id, found[4], owner)
  end
  for i = 1, #log do call('RPUSH', LOG .. id, log[i]) end
  base, bytes = drop(id, acked, last, base, bytes)
  call('HSET', RECORD .. id, 'p', pack(POSITION, last, base, bytes, run, me), 'f', fence, 'h', handled, 'e', epoch,
    'c', client, 's', secretHash, 'k', heldRun, 'n', last)
  for i = 0, rooms - 1 do
    call('SADD', ROOMS .. id, ARGV[roomsAt + i])
    call('SADD', MEMBERS .. ARGV[roomsAt + i], id)
  end
  call('SADD', CLIENT .. client, id)
  take(id)
  local current = epoch
  -- Too late: senders have given up to offer what only they knew of. Or the log had been started over without its owner's
  -- knowledge, and may have had messages since.
  if settled or (found and found[3] ~= epoch and oldLast > offset) then
    last = startOver(id, math.max(last, oldLast or 0), me)
    base, current = last, newEpoch
  end
  local result = reading(id, current, last, base, me, epoch, offset)
  result[4] = handled
  return result, next
end

-- release: id, handled -> 0
function ops.release(at)
  local id = ARGV[at]
  local last, _, _, _, owner = read(id)
  if last and owner ~= NOBODY then tell(owner, RELEASED, id, pack('>d', ARGV[at + 1])) end
  return 0, at + 2
end
