-- Sends requests in groups of 16, without waiting for the answers in between.
function init()
   group = string.rep(wrk.format(), 16)
end

function request()
   return group
end
