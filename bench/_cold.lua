-- Every question new: another year each time, because pages under many limits are one answer. Each run begins elsewhere.
local codes = { "USD", "EUR", "CHF", "GBP", "CZK", "DKK", "JPY", "NOK", "SEK", "HUF" }
local number = os.time() % 6000 * 10

request = function()
    number = number + 1
    local first = os.time({ year = 2005, month = 1, day = 1, hour = 12 }) + math.floor(number / 10) % 6000 * 86400
    local days = os.date("!from=%Y-%m-%d", first) .. os.date("!&to=%Y-%m-%d", first + 364 * 86400)
    return wrk.format("GET", "/rates?code=" .. codes[number % 10 + 1] .. "&" .. days .. "&limit=366")
end
