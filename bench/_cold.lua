-- Every question new: no answer of the cache fits. Each thread and run begins elsewhere.
local codes = { "USD", "EUR", "CHF", "GBP", "CZK", "DKK", "JPY", "NOK", "SEK", "HUF" }
local number = os.time() % 100000 * 1000

request = function()
    number = number + 1
    local code = codes[number % 10 + 1]
    local path = "/rates?code=" .. code .. "&from=2025-01-01&to=2025-12-31&limit=" .. (366 + number % 9000)
    return wrk.format("GET", path)
end
