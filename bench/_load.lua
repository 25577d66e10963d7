-- The walk of many callers: each connection is a caller of its own behind a trusted proxy, as GREEDY says otherwise.
-- At the end one line of JSON: what wrk counted, and the answers by their status.
local paths = {
    "/", "/", "/waluty/EUR/", "/kurs-podatkowy/?waluta=USD&data=2025-03-17&regula=pit",
    "/rates?code=USD&from=2025-01-01&to=2025-12-31&limit=366", "/signals?limit=20", "/prices/latest", "/health",
}
local threads = {}
local number, seed = 0, 0

function setup(thread)
    thread:set("seed", #threads * 7919)
    table.insert(threads, thread)
end

function init(args)
    greedy = args[1] == "greedy"
    statuses = ""
    counted = {}
    number = seed
end

function request()
    number = number + 1
    local headers = {}
    if not greedy then
        -- 200,000 callers: no limit of one of them is reached.
        local caller = number % 200000
        headers["X-Forwarded-For"] = string.format("10.%d.%d.%d", caller / 65536, caller / 256 % 256, caller % 256)
    end
    return wrk.format("GET", paths[number % #paths + 1], headers)
end

function response(status)
    counted[status] = (counted[status] or 0) + 1
    local parts = {}
    for code, count in pairs(counted) do
        table.insert(parts, '"' .. code .. '":' .. count)
    end
    statuses = table.concat(parts, ",")
end

function done(summary, latency, requests)
    local each = {}
    for _, thread in ipairs(threads) do
        table.insert(each, "{" .. thread:get("statuses") .. "}")
    end
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests":%d,"seconds":%.3f,"p50_ms":%.1f,"p99_ms":%.1f,"max_ms":%.1f,'
            .. '"connect":%d,"read":%d,"write":%d,"timeout":%d,"statuses":[%s]}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        latency.max / 1e3, errors.connect, errors.read, errors.write, errors.timeout, table.concat(each, ",")))
end
