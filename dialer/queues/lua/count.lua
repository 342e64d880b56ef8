-- Count without reserving.
-- ARGV: per limit: counter, since, most
local answer = {}
for i = 1, #ARGV, 3 do
  local count, leaves = tally(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]))
  answer[#answer + 1] = count
  answer[#answer + 1] = leaves
end
return answer
