-- Buckets that keep of each object its size and ETag alone: the content is read to its end and dropped, and the answers
-- are those of S3. What counts is an object that is whole: a PUT, or a completed multipart upload, each key once.
--
-- An ETag is what the client itself has said of the content: Content-MD5 in hexadecimal, or a constant where there was
-- none. So a client that compares ETags does all its work and finds what it expects, and the sink hashes nothing: what
-- is measured is the client.

local unknown_md5 = "00000000000000000000000000000000"
local held_size = 1048576 -- client_body_buffer_size
local piece_size = 262144 -- lua_socket_buffer_size

local function fail(status, why)
  ngx.log(ngx.ERR, why)
  ngx.status = status
  ngx.say("<Error><Code>", status == 501 and "NotImplemented" or "InternalError", "</Code></Error>")
  return ngx.exit(status)
end

-- The content's size. A large one goes through a few pages, not through a file.
local function drop_content()
  local size = tonumber(ngx.var.http_content_length)
  if size and size > held_size then
    local socket, why = ngx.req.socket()
    if not socket then return nil, why end
    local left = size
    while left > 0 do
      local piece, trouble = socket:receive(math.min(left, piece_size))
      if not piece then return nil, trouble end
      left = left - #piece
    end
  else
    ngx.req.read_body()
  end
  return tonumber(ngx.var.http_x_amz_decoded_content_length) or size or 0
end

local function said_md5()
  local bytes = ngx.decode_base64(ngx.var.http_content_md5 or "")
  if not bytes or #bytes ~= 16 then return unknown_md5 end
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

-- True, or nil and why not: a full dictionary must not forget an object.
local function keep_object(size, etag)
  local added, why = ngx.shared.objects:safe_add(ngx.var.uri, size .. " " .. etag)
  if added then return ngx.shared.counts:incr("objects", 1, 0) end
  if why ~= "exists" then return nil, why end
  return ngx.shared.objects:safe_set(ngx.var.uri, size .. " " .. etag)
end

local function put(arguments)
  local size, why = drop_content()
  if not size then return fail(500, why) end
  ngx.shared.counts:incr("bytes", size, 0)
  local etag = said_md5()
  if arguments.uploadId then
    ngx.shared.counts:incr(arguments.uploadId, size, 0)
  else
    local kept, trouble = keep_object(size, etag)
    if not kept then return fail(500, trouble) end
  end
  ngx.header["ETag"] = '"' .. etag .. '"'
  ngx.header["Content-Length"] = 0
end

local function answer(name, content)
  ngx.header["Content-Type"] = "application/xml"
  ngx.print('<?xml version="1.0" encoding="UTF-8"?><', name, ">", content, "</", name, ">")
end

local function bytes_of(hexadecimal)
  return (hexadecimal:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end))
end

-- MD5 of the parts' MD5s, with their number (S3 User Guide, checking object integrity).
local function complete(upload)
  ngx.req.read_body()
  local body, digits, md5s = ngx.req.get_body_data(), ("%x"):rep(32), {}
  if not body then return fail(500, "no list of parts, or one that is too long") end
  for text in body:gmatch("<ETag>(.-)</ETag>") do
    md5s[#md5s + 1] = bytes_of(text:match(digits) or unknown_md5)
  end
  local etag = ngx.md5(table.concat(md5s)) .. "-" .. #md5s
  local kept, why = keep_object(ngx.shared.counts:get(upload) or 0, etag)
  if not kept then return fail(500, why) end
  return answer("CompleteMultipartUploadResult", "<ETag>&quot;" .. etag .. "&quot;</ETag>")
end

local function post(arguments)
  if arguments.uploadId then return complete(arguments.uploadId) end
  ngx.req.read_body()
  if not arguments.uploads then return fail(501, "POST " .. ngx.var.request_uri) end
  return answer("InitiateMultipartUploadResult", "<UploadId>" .. ngx.var.request_id .. "</UploadId>")
end

local function head()
  local size, etag = (ngx.shared.objects:get(ngx.var.uri) or ""):match("^(%d+) (%S+)$")
  if not size then return ngx.exit(404) end
  ngx.header["Content-Length"] = size
  ngx.header["ETag"] = '"' .. etag .. '"'
  ngx.header["Last-Modified"] = ngx.http_time(ngx.time())
end

local function list()
  return answer("ListBucketResult", "<KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>")
end

local method = ngx.req.get_method()
ngx.header["x-amz-request-id"] = "SINK"
if method == "PUT" then return put(ngx.req.get_uri_args()) end
if method == "POST" then return post(ngx.req.get_uri_args()) end
if method == "GET" then return list() end
if method == "DELETE" then return ngx.exit(204) end
if method == "HEAD" then return head() end
return fail(501, method)
