// floor: the least that an uploader can cost here. One thread, libcurl's multi interface, one signed PUT a file, each
// file read and hashed as Signature Version 4 asks for; no walk, no plan, no ledger, no retries.
//
//   cc -O2 floor.c -o floor -lcurl -lcrypto
//   cd DIR && find . -type f -printf '%P\n' | floor TRANSFERS http://HOST:PORT /BUCKET/PREFIX/ [--md5]
//
// Keys and region come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION. --md5 sends Content-MD5 too. File
// names must need no percent-encoding, which those of the benchmarks do not.
#include <curl/curl.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
  held_size = 256 << 10,  // a file up to this size is read once, and kept until it is sent
  sha256_size = 32,
  md5_size = 16,
  sha256_block = 64,
  text_size = 4096,
  hex_size = 2 * sha256_size + 1,
  date_size = sizeof "20000101",
  time_size = sizeof "20000101T000000Z"
};

typedef struct {
  CURL *easy;
  struct curl_slist *fields;
  int file;  // open while a file is sent that is not held
  size_t size, sent;
  char sha256[hex_size], md5[2 * md5_size];  // hexadecimal; base64
  unsigned char held[held_size];
} transfer;

static struct {
  const char *endpoint, *host, *prefix, *access_key, *region;
  int sends_md5;
  char date[date_size], time[time_size];
  unsigned char signing_key[sha256_size];
  EVP_MD *sha256, *md5;
} job;

static void fail(const char *what, const char *why) {
  fprintf(stderr, "floor: %s: %s\n", what, why);
  exit(1);
}

static void hexadecimal(const unsigned char *bytes, char *text) {
  static const char digits[] = "0123456789abcdef";
  for (int i = 0; i < sha256_size; i++) {
    *text++ = digits[bytes[i] >> 4];
    *text++ = digits[bytes[i] & 15];
  }
  *text = 0;
}

static void hash(const void *bytes, size_t size, unsigned char *result) {
  EVP_Digest(bytes, size, result, NULL, job.sha256, NULL);
}

// RFC 2104, for keys of at most one block and texts of at most text_size.
static void authenticate(const void *key, size_t key_size, const char *text, unsigned char *result) {
  unsigned char inner[sha256_block + text_size] = {0}, outer[sha256_block + sha256_size] = {0};
  size_t size = strlen(text);
  if (key_size > sha256_block || size > text_size) fail("HMAC", "too long");
  memcpy(inner, key, key_size);
  memcpy(outer, key, key_size);
  for (int i = 0; i < sha256_block; i++) {
    inner[i] ^= 0x36;
    outer[i] ^= 0x5c;
  }
  memcpy(inner + sha256_block, text, size);
  hash(inner, sha256_block + size, outer + sha256_block);
  hash(outer, sizeof outer, result);
}

static const char *environment(const char *name) {
  const char *value = getenv(name);
  if (!value || !*value) fail(name, "not set");
  return value;
}

static void prepare(int argc, char **argv) {
  time_t now = time(NULL);
  char key[sha256_block + 1];
  job.endpoint = argv[2];
  job.prefix = argv[3];
  job.sends_md5 = argc == 5;
  job.host = strstr(job.endpoint, "://");
  if (!job.host) fail(job.endpoint, "no URL");
  job.host += 3;
  job.access_key = environment("AWS_ACCESS_KEY_ID");
  job.region = environment("AWS_REGION");
  job.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
  job.md5 = EVP_MD_fetch(NULL, "MD5", NULL);
  strftime(job.time, sizeof job.time, "%Y%m%dT%H%M%SZ", gmtime(&now));
  memcpy(job.date, job.time, date_size - 1);
  snprintf(key, sizeof key, "AWS4%s", environment("AWS_SECRET_ACCESS_KEY"));
  authenticate(key, strlen(key), job.date, job.signing_key);
  authenticate(job.signing_key, sha256_size, job.region, job.signing_key);
  authenticate(job.signing_key, sha256_size, "s3", job.signing_key);
  authenticate(job.signing_key, sha256_size, "aws4_request", job.signing_key);
}

// The digests of a file that is held, or that is read through once for them.
static void digest(transfer *t) {
  unsigned char sha256[EVP_MAX_MD_SIZE], md5[EVP_MAX_MD_SIZE];
  static EVP_MD_CTX *sha256_state, *md5_state;
  if (!sha256_state) {
    sha256_state = EVP_MD_CTX_new();
    md5_state = EVP_MD_CTX_new();
  }
  EVP_DigestInit_ex2(sha256_state, job.sha256, NULL);
  if (job.sends_md5) EVP_DigestInit_ex2(md5_state, job.md5, NULL);
  for (size_t done = 0; done < t->size;) {
    ssize_t count = t->file < 0 ? (ssize_t)t->size : read(t->file, t->held, held_size);
    if (count <= 0) fail("read", "the file has changed");
    EVP_DigestUpdate(sha256_state, t->held, count);
    if (job.sends_md5) EVP_DigestUpdate(md5_state, t->held, count);
    done += count;
  }
  EVP_DigestFinal_ex(sha256_state, sha256, NULL);
  hexadecimal(sha256, t->sha256);
  if (!job.sends_md5) return;
  EVP_DigestFinal_ex(md5_state, md5, NULL);
  EVP_EncodeBlock((unsigned char *)t->md5, md5, md5_size);
}

static void open_file(transfer *t, const char *name) {
  struct stat status;
  t->file = open(name, O_RDONLY | O_CLOEXEC);
  if (t->file < 0 || fstat(t->file, &status)) fail(name, "cannot be opened");
  t->size = status.st_size;
  t->sent = 0;
  if (t->size > held_size) {
    digest(t);
    lseek(t->file, 0, SEEK_SET);
    return;
  }
  if (read(t->file, t->held, held_size) != (ssize_t)t->size) fail(name, "cannot be read");
  close(t->file);
  t->file = -1;
  digest(t);
}

// Signature Version 4 of a PUT with a hashed payload (AWS General Reference, signing a request).
static void sign(transfer *t, const char *path, char *authorization) {
  char canonical[text_size], text[text_size], digits[hex_size], scope[text_size / 4];
  unsigned char result[sha256_size];
  const char *names = job.sends_md5 ? "content-md5;host;x-amz-content-sha256;x-amz-date"
                                    : "host;x-amz-content-sha256;x-amz-date";
  int size = snprintf(
    canonical, sizeof canonical, "PUT\n%s\n\n%s%s%shost:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n\n%s\n%s", path,
    job.sends_md5 ? "content-md5:" : "", job.sends_md5 ? t->md5 : "", job.sends_md5 ? "\n" : "", job.host, t->sha256,
    job.time, names, t->sha256);
  if (size >= text_size) fail(path, "too long");
  hash(canonical, size, result);
  hexadecimal(result, digits);
  snprintf(scope, sizeof scope, "%s/%s/s3/aws4_request", job.date, job.region);
  snprintf(text, sizeof text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", job.time, scope, digits);
  authenticate(job.signing_key, sha256_size, text, result);
  hexadecimal(result, digits);
  snprintf(
    authorization, text_size, "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
    job.access_key, scope, names, digits);
}

static void add_field(transfer *t, const char *name, const char *value) {
  char line[text_size];
  snprintf(line, sizeof line, "%s: %s", name, value);
  t->fields = curl_slist_append(t->fields, line);
}

static void set_request(transfer *t, const char *name) {
  char path[text_size / 2], url[text_size], authorization[text_size];
  snprintf(path, sizeof path, "%s%s", job.prefix, name);
  snprintf(url, sizeof url, "%s%s", job.endpoint, path);
  sign(t, path, authorization);
  curl_slist_free_all(t->fields);
  t->fields = curl_slist_append(NULL, "Expect:");  // libcurl would wait for a 100 before a large body
  t->fields = curl_slist_append(t->fields, authorization);
  add_field(t, "x-amz-content-sha256", t->sha256);
  add_field(t, "x-amz-date", job.time);
  if (job.sends_md5) add_field(t, "Content-MD5", t->md5);
  curl_easy_setopt(t->easy, CURLOPT_URL, url);
  curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->size);
  curl_easy_setopt(t->easy, CURLOPT_UPLOAD_BUFFERSIZE, t->size > held_size ? 512L << 10 : 64L << 10);
  curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->fields);
}

static size_t give_content(char *to, size_t size, size_t count, void *user) {
  transfer *t = user;
  size_t wanted = size * count, left = t->size - t->sent;
  if (wanted > left) wanted = left;
  if (t->file < 0) {
    memcpy(to, t->held + t->sent, wanted);
  } else {
    ssize_t got = read(t->file, to, wanted);
    if (got < 0 || (got == 0 && wanted)) return CURL_READFUNC_ABORT;
    wanted = got;
  }
  t->sent += wanted;
  return wanted;
}

static size_t drop_answer(char *from, size_t size, size_t count, void *user) {
  (void)from;
  (void)user;
  return size * count;
}

static transfer *new_transfer(void) {
  transfer *t = calloc(1, sizeof *t);
  if (!t || !(t->easy = curl_easy_init())) fail("transfer", "out of memory");
  t->file = -1;
  curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(t->easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, give_content);
  curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
  curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, drop_answer);
  curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
  return t;
}

// Whether there was another file to send.
static int start_next(CURLM *multi, transfer *t) {
  char name[text_size / 4];
  if (!fgets(name, sizeof name, stdin)) return 0;
  name[strcspn(name, "\n")] = 0;
  open_file(t, name);
  set_request(t, name);
  curl_multi_add_handle(multi, t->easy);
  return 1;
}

// Whether the transfer that has ended was followed by another.
static int follow(CURLM *multi, CURLMsg *message) {
  transfer *t;
  CURL *easy = message->easy_handle;
  if (message->data.result != CURLE_OK) fail("PUT", curl_easy_strerror(message->data.result));
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
  curl_multi_remove_handle(multi, easy);
  if (t->file >= 0) close(t->file);
  t->file = -1;
  return start_next(multi, t);
}

int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "--version")) {
    puts(curl_version());
    return 0;
  }
  if (argc < 4 || argc > 5 || (argc == 5 && strcmp(argv[4], "--md5"))) {
    fprintf(stderr, "usage: floor TRANSFERS ENDPOINT PREFIX [--md5] <NAMES\n");
    return 64;
  }
  prepare(argc, argv);
  curl_global_init(CURL_GLOBAL_ALL);
  CURLM *multi = curl_multi_init();
  int active = 0, running, queued;
  for (int i = atoi(argv[1]); i > 0; i--) {
    if (!start_next(multi, new_transfer())) break;
    active++;
  }
  while (active) {
    curl_multi_perform(multi, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &queued));) {
      if (!follow(multi, message)) active--;
    }
    if (active) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
}
