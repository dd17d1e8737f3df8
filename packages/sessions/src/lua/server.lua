-- Servers: their heartbeats, and what is done for those that are gone. Arguments follow an operation's name in ARGV.

local PORTION = 200

-- Detaches some of what a server owns. Gives how many are left.
local function detachSome(server)
  local set = tag .. 'own:' .. server
  for _, id in ipairs(call('SPOP', set, PORTION)) do
    if call('HGET', tag .. 's:' .. id, 'o') == server then release(id, server) end
  end
  return call('SCARD', set)
end

-- enter: shards, ms this Redis is up
-- -> {heartbeats, ms owners have had to restore, shards as others have it}
-- Only after the caller has subscribed to its channel.
function ops.enter(at)
  local shards, upMs = ARGV[at], tonumber(ARGV[at + 1])
  local life = call('HMGET', tag .. 'life', 'run', 'since', 'shards')
  if life[1] ~= run then
    -- An empty Redis that has been up for long is a new one, with nobody to wait for. One that was restarted empty
    -- looks the same, but owners are back within a second.
    life[2] = life[1] and now() or now() - upMs
    call('HSET', tag .. 'life', 'run', run, 'since', life[2])
  end
  if not life[3] or call('HLEN', tag .. 'servers') == 0 then
    life[3] = shards
    call('HSET', tag .. 'life', 'shards', shards)
  end
  if life[3] == shards then
    call('SREM', tag .. 'dead', me)
    call('HINCRBY', tag .. 'servers', me, 1)
  end
  local beats = tonumber(call('HGET', tag .. 'servers', me) or 0)
  return { beats, now() - life[2], tonumber(life[3]) }, at + 2
end

-- beat: -> {heartbeats, {server, heartbeats, …}, {dead servers}}
function ops.beat(at)
  -- A Redis at its memory limit refuses a script whose first write may need memory. This one needs none, and lets the
  -- rest pass: without heartbeats nothing would be swept, and sweeping is what frees memory.
  call('SREM', tag .. 'dead', me)
  local beats = call('HINCRBY', tag .. 'servers', me, 1)
  return { beats, call('HGETALL', tag .. 'servers'), call('SMEMBERS', tag .. 'dead') }, at
end

-- sweep: -> {id, client, …} of sessions that have expired and are gone now
function ops.sweep(at)
  local expired = {}
  for _, id in ipairs(call('ZRANGEBYSCORE', tag .. 'detached', '-inf', now(), 'LIMIT', 0, PORTION)) do
    call('ZREM', tag .. 'detached', id)
    local found = call('HMGET', tag .. 's:' .. id, 'c', 'o')
    if found[1] and found[2] == '' then
      remove(id, found[1], '')
      local n = #expired
      expired[n + 1], expired[n + 2] = id, found[1]
    end
  end
  return expired, at
end

-- reap: server, its heartbeats when it was last seen to beat -> number of its sessions that are left
function ops.reap(at)
  local server, beats = ARGV[at], ARGV[at + 1]
  if call('HGET', tag .. 'servers', server) == beats then
    call('HDEL', tag .. 'servers', server)
    call('SADD', tag .. 'dead', server)
  end
  if call('SISMEMBER', tag .. 'dead', server) == 0 then return 0, at + 2 end
  local left = detachSome(server)
  if left == 0 then
    call('SREM', tag .. 'dead', server)
    call('HDEL', tag .. 'sent', server)
  end
  return left, at + 2
end

-- exit: -> number of the caller's sessions that are left
function ops.exit(at)
  local left = detachSome(me)
  if left == 0 then
    call('HDEL', tag .. 'servers', me)
    call('HDEL', tag .. 'sent', me)
    call('SREM', tag .. 'dead', me)
  end
  return left, at
end

-- audit: cursor of SSCAN -> the next cursor
-- A rolled back Redis believes that the caller owns what it no longer does. Once owners have restored theirs, the rest waits.
function ops.audit(at)
  local page = call('SSCAN', tag .. 'own:' .. me, ARGV[at], 'COUNT', PORTION)
  for _, id in ipairs(page[2]) do
    local found = read(id)
    if found[1] and found[1] ~= run and settled then giveUp(id, found[2], tonumber(found[3])) end
  end
  return page[1], at + 1
end
