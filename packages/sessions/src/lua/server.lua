-- Servers: their heartbeats, and what is done for those that are gone. Arguments follow an operation's name in ARGV.

local PORTION = 200

-- Detaches some of what a server owns. Gives how many are left.
local function detachSome(server)
  local set = OWN .. server
  for _, id in ipairs(call('SPOP', set, PORTION)) do
    local last, base, bytes, knownIn, owner = read(id)
    if owner == server then
      wait(id, owner)
      write(id, last, base, bytes, knownIn, NOBODY)
    end
  end
  return call('SCARD', set)
end

-- enter: name, shards, ms this Redis has been serving
-- -> {heartbeats, ms owners have had to restore, shards as others have it}
-- Only after the caller has subscribed to its channel.
function ops.enter(at)
  local name, shards, upMs = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local life = call('HMGET', tag .. 'life', 'run', 'since', 'shards')
  if life[1] ~= run then
    -- An empty Redis that has been up for long is a new one, with nobody to wait for. One that was restarted empty
    -- looks the same, but owners are back within a second.
    life[2] = life[1] and now() or now() - upMs
    call('HSET', tag .. 'life', 'run', run, 'since', life[2])
  end
  if not life[3] or call('HLEN', SERVERS) == 0 then
    life[3] = shards
    call('HSET', tag .. 'life', 'shards', shards)
  end
  if life[3] == shards then
    call('SREM', tag .. 'dead', me)
    call('HINCRBY', SERVERS, me, 1)
    call('HSET', tag .. 'names', me, name)
  end
  local beats = tonumber(call('HGET', SERVERS, me) or 0)
  return { beats, now() - life[2], tonumber(life[3]) }, at + 3
end

-- beat: name -> {heartbeats, {server, heartbeats, …}, {dead servers}}
function ops.beat(at)
  -- A Redis at its memory limit refuses a script whose first write may need memory. This one needs none, and lets the
  -- rest pass: without heartbeats nothing would be swept, and sweeping is what frees memory.
  call('SREM', tag .. 'dead', me)
  local beats = call('HINCRBY', SERVERS, me, 1)
  call('HSET', tag .. 'names', me, ARGV[at])
  return { beats, call('HGETALL', SERVERS), call('SMEMBERS', tag .. 'dead') }, at + 1
end

-- sweep: -> {id, client, …} of sessions that have expired and are gone now
function ops.sweep(at)
  local expired = {}
  for _, id in ipairs(call('ZRANGEBYSCORE', DETACHED, '-inf', now(), 'LIMIT', 0, PORTION)) do
    call('ZREM', DETACHED, id)
    local last, _, _, _, owner = read(id)
    if last and owner == NOBODY then
      local client, n = call('HGET', RECORD .. id, 'c'), #expired
      remove(id, client, owner)
      expired[n + 1], expired[n + 2] = id, client
    end
  end
  return expired, at
end

-- reap: server, its heartbeats when it was last seen to beat -> number of its sessions that are left
function ops.reap(at)
  local server, beats = ARGV[at], ARGV[at + 1]
  if call('HGET', SERVERS, server) == beats then
    call('HDEL', SERVERS, server)
    call('SADD', tag .. 'dead', server)
  end
  if call('SISMEMBER', tag .. 'dead', server) == 0 then return 0, at + 2 end
  local left = detachSome(server)
  if left == 0 then
    call('SREM', tag .. 'dead', server)
    call('HDEL', tag .. 'sent', server)
    call('HDEL', tag .. 'names', server)
  end
  return left, at + 2
end

-- exit: -> number of the caller's sessions that are left
function ops.exit(at)
  local left = detachSome(me)
  if left == 0 then
    call('HDEL', SERVERS, me)
    call('HDEL', tag .. 'sent', me)
    call('HDEL', tag .. 'names', me)
    call('SREM', tag .. 'dead', me)
  end
  return left, at
end

-- audit: cursor of SSCAN -> the next cursor
-- A rolled back Redis believes that the caller owns what it no longer does. Once owners have restored theirs, the rest waits.
function ops.audit(at)
  local page = call('SSCAN', OWN .. me, ARGV[at], 'COUNT', PORTION)
  for _, id in ipairs(page[2]) do
    local last, _, _, knownIn, owner = read(id)
    if last and knownIn ~= run and settled then giveUp(id, last, owner) end
  end
  return page[1], at + 1
end
