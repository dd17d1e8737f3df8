-- Keeps a message and hands it to whoever owns the receiver.
-- KEYS[1] log of the session or room (stream)
-- KEYS[2] owner: the channel of the server that has the session; absent for a room
-- ARGV[1] entries to keep, about
-- ARGV[2] session id or room
-- ARGV[3] message, as JSON
-- ARGV[4] channel, where there is no owner
redis.call("XADD", KEYS[1], "MAXLEN", "~", ARGV[1], "*", "m", ARGV[3])
local channel = ARGV[4]
if KEYS[2] then
  channel = redis.call("GET", KEYS[2])
  if not channel then
    return 0
  end
end
return redis.call("PUBLISH", channel, ARGV[2] .. "\n" .. ARGV[3])
