# What is seen of a condition goes in, with its record; out come, a line each: its state, its record, and WAY MESSAGE for
# each way that is to be told now. A way knows the state as of the change it was told last. Its arguments are named by alert.sh.
def lasted:
  if . < 60 then "\(.) s" elif . < 3600 then "\(. / 60 | floor) min"
  elif . < 172800 then "\(. / 3600 | floor) h \(. % 3600 / 60 | floor) min" else "\(. / 86400 | floor) days" end;
def words($told):
  if $told.change == .change then
    if .state == "bad" and $repeat > 0 and $now - $told.at >= $repeat
    then "is still bad, since \(.since | todate): \(.detail)" else empty end
  elif .state == "bad" then "is bad since \(.since | todate): \(.detail)"
  elif $told.state == "bad" then "is good again, after \(.since - .badSince | lasted)"
  else "was bad since \(.badSince | todate), and is good again, after \(.since - .badSince | lasted): \(.detail)" end;

$ARGS.positional as $ways
| .told |= with_entries(select(.key | IN($ways[])))
# A way that is new need not hear of what was over before.
| reduce $ways[] as $way (.; .told[$way] //= {state: "good", change: (if .state == "good" then .change else -1 end), at: $now})
| if $seen == "good" then
    .failingSince = null
    | if .state == "bad" then .badSince = .since | .state = "good" | .since = $now | .change += 1 else . end
  elif $seen == "bad" then
    .failingSince //= $now | .detail = $detail[:500]
    | if .state == "good" and $now - .failingSince >= $grace
      then .state = "bad" | .since = .failingSince | .change += 1 else . end
  else . end
| .state, tojson,
  ($ways[] as $way | words(.told[$way]) as $words
   | {text: "Holdfast on \($host): \($condition) \($words)", $condition, state, since: (.since | todate), $host}
   | "\($way) \(tojson)")
