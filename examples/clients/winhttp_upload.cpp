// winhttp_upload.cpp - sends a minidump from a Windows program to a chs server, with nothing but WinHTTP.
//
//   winhttp_upload.exe SERVER DUMP [--submit] [NAME=VALUE ...]
//
// SERVER is a base URL such as http://127.0.0.1:3000, DUMP the file; the key is taken from the environment
// variable CHS_API_KEY. NAME=VALUE are annotations: whatever else is to be kept beside the dump.
//
// Without --submit the dump goes to /api/upload/minidump, the documented route, which answers in JSON. With
// --submit it goes to /submit, as the clients of Breakpad and Crashpad send theirs: a token that may only submit
// (`chs token create --name shipped --scope submit`) is enough there, and is what a program that ships should carry.
//
// Prints the server's answer. Exit code: 0 the dump is stored, 1 the server will never take it, 2 try again later.
//
// With Visual Studio:  cl /std:c++17 /EHsc /W4 /DUNICODE winhttp_upload.cpp winhttp.lib
// With MinGW-w64:      x86_64-w64-mingw32-g++ -std=c++17 -Wall -Wextra -municode -static winhttp_upload.cpp -lwinhttp
#ifndef UNICODE
#define UNICODE
#endif
#include <windows.h>
#include <winhttp.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using Annotations = std::vector<std::pair<std::string, std::string>>;

// A WinHTTP or file handle that closes itself.
class InternetHandle {
 public:
  explicit InternetHandle(HINTERNET handle, const char* what) : handle_(handle) {
    if (handle_ == nullptr) throw std::runtime_error(std::string(what) + " failed: error " + std::to_string(GetLastError()));
  }
  ~InternetHandle() { WinHttpCloseHandle(handle_); }
  InternetHandle(const InternetHandle&) = delete;
  InternetHandle& operator=(const InternetHandle&) = delete;
  HINTERNET get() const { return handle_; }

 private:
  HINTERNET handle_;
};

class File {
 public:
  explicit File(const std::wstring& path)
      : handle_(CreateFileW(path.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr)) {
    LARGE_INTEGER size = {};
    if (handle_ == INVALID_HANDLE_VALUE || !GetFileSizeEx(handle_, &size)) throw std::runtime_error("the dump cannot be read");
    size_ = static_cast<ULONGLONG>(size.QuadPart);
  }
  ~File() {
    if (handle_ != INVALID_HANDLE_VALUE) CloseHandle(handle_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ULONGLONG size() const { return size_; }
  // How many bytes were read: 0 at the end.
  DWORD Read(void* buffer, DWORD length) {
    DWORD got = 0;
    if (!ReadFile(handle_, buffer, length, &got, nullptr)) throw std::runtime_error("the dump cannot be read");
    return got;
  }

 private:
  HANDLE handle_;
  ULONGLONG size_ = 0;
};

std::string ToUtf8(const std::wstring& text) {
  if (text.empty()) return {};
  const int length = static_cast<int>(text.size());
  const int size = WideCharToMultiByte(CP_UTF8, 0, text.data(), length, nullptr, 0, nullptr, nullptr);
  std::string utf8(static_cast<size_t>(size), '\0');
  WideCharToMultiByte(CP_UTF8, 0, text.data(), length, &utf8[0], size, nullptr, nullptr);
  return utf8;
}

std::wstring ToWide(const std::string& ascii) { return std::wstring(ascii.begin(), ascii.end()); }

// A text as JSON writes it, with its quotes.
std::string JsonText(const std::string& text) {
  std::string json = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (byte < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
      json += escape;
    } else {
      json += c;
    }
  }
  return json + "\"";
}

// A name as it stands in a part's header: quotes and line ends are written as browsers write them.
std::string HeaderText(const std::string& text) {
  std::string header;
  for (const char c : text) {
    if (c == '"') header += "%22";
    else if (c == '\r') header += "%0D";
    else if (c == '\n') header += "%0A";
    else header += c;
  }
  return header;
}

std::string NewBoundary() {
  LARGE_INTEGER ticks = {};
  QueryPerformanceCounter(&ticks);
  char boundary[64];
  std::snprintf(boundary, sizeof boundary, "---------------------------%08lx%08lx", static_cast<unsigned long>(ticks.LowPart),
                static_cast<unsigned long>(GetCurrentProcessId()));
  return boundary;
}

// What stands before the dump in the body, and after it. The dump itself is streamed between them.
struct Multipart {
  std::string boundary;
  std::string before;
  std::string after;
};

std::string TextPart(const std::string& boundary, const std::string& name, const std::string& value) {
  return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + HeaderText(name) + "\"\r\n\r\n" + value + "\r\n";
}

// The documented form: a part `metadata` in JSON, and a part `minidump`. What metadata leave out is read from the dump.
std::string DocumentedParts(const std::string& boundary, const Annotations& annotations) {
  std::string members;
  for (const auto& [name, value] : annotations) {
    if (!members.empty()) members += ",";
    members += JsonText(name) + ":" + JsonText(value);
  }
  return TextPart(boundary, "metadata", "{\"annotations\":{" + members + "}}");
}

// The form of Breakpad and Crashpad: each annotation is a part of its own.
std::string SubmittedParts(const std::string& boundary, const Annotations& annotations) {
  std::string parts;
  for (const auto& [name, value] : annotations) parts += TextPart(boundary, name, value);
  return parts;
}

Multipart MakeMultipart(bool submit, const Annotations& annotations, const std::string& file_name) {
  Multipart multipart;
  multipart.boundary = NewBoundary();
  multipart.before = submit ? SubmittedParts(multipart.boundary, annotations) : DocumentedParts(multipart.boundary, annotations);
  multipart.before += "--" + multipart.boundary + "\r\nContent-Disposition: form-data; name=\"" +
                      (submit ? "upload_file_minidump" : "minidump") + "\"; filename=\"" + HeaderText(file_name) +
                      "\"\r\nContent-Type: application/octet-stream\r\n\r\n";
  multipart.after = "\r\n--" + multipart.boundary + "--\r\n";
  return multipart;
}

void Write(HINTERNET request, const void* bytes, DWORD length) {
  const char* rest = static_cast<const char*>(bytes);
  while (length > 0) {
    DWORD written = 0;
    // A server that refuses early may stop listening; its answer says why, and is asked for after this.
    if (!WinHttpWriteData(request, rest, length, &written) || written == 0) throw std::runtime_error("the connection broke off");
    rest += written;
    length -= written;
  }
}

struct Answer {
  DWORD status = 0;
  std::string body;
};

Answer ReadAnswer(HINTERNET request) {
  if (!WinHttpReceiveResponse(request, nullptr)) throw std::runtime_error("no answer: error " + std::to_string(GetLastError()));
  Answer answer;
  DWORD size = sizeof answer.status;
  WinHttpQueryHeaders(request, WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER, WINHTTP_HEADER_NAME_BY_INDEX, &answer.status,
                      &size, WINHTTP_NO_HEADER_INDEX);
  char buffer[4096];
  DWORD got = 0;
  while (WinHttpReadData(request, buffer, sizeof buffer, &got) && got > 0) answer.body.append(buffer, got);
  return answer;
}

struct Upload {
  std::wstring server;
  std::wstring dump;
  std::string key;
  bool submit = false;
  Annotations annotations;
};

Answer Send(const Upload& upload) {
  URL_COMPONENTS parts = {};
  parts.dwStructSize = sizeof parts;
  wchar_t host[256] = {};
  wchar_t path[1024] = {};
  parts.lpszHostName = host;
  parts.dwHostNameLength = 256;
  parts.lpszUrlPath = path;
  parts.dwUrlPathLength = 1024;
  if (!WinHttpCrackUrl(upload.server.c_str(), 0, 0, &parts)) throw std::runtime_error("SERVER is not a URL");
  std::wstring target = path;
  while (!target.empty() && target.back() == L'/') target.pop_back();
  target += upload.submit ? L"/submit" : L"/api/upload/minidump";

  File file(upload.dump);
  const std::string file_name = ToUtf8(upload.dump.substr(upload.dump.find_last_of(L"\\/") + 1));
  const Multipart multipart = MakeMultipart(upload.submit, upload.annotations, file_name);
  const ULONGLONG length = multipart.before.size() + file.size() + multipart.after.size();
  if (length > MAXDWORD) throw std::runtime_error("the dump is too large for a request with a length of 32 bits");

  const InternetHandle session(
      WinHttpOpen(L"winhttp_upload/1.0", WINHTTP_ACCESS_TYPE_DEFAULT_PROXY, WINHTTP_NO_PROXY_NAME, WINHTTP_NO_PROXY_BYPASS, 0),
      "WinHttpOpen");
  const InternetHandle connection(WinHttpConnect(session.get(), host, parts.nPort, 0), "WinHttpConnect");
  const DWORD flags = parts.nScheme == INTERNET_SCHEME_HTTPS ? WINHTTP_FLAG_SECURE : 0;
  const InternetHandle request(WinHttpOpenRequest(connection.get(), L"POST", target.c_str(), nullptr, WINHTTP_NO_REFERER,
                                                  WINHTTP_DEFAULT_ACCEPT_TYPES, flags),
                               "WinHttpOpenRequest");
  std::wstring headers = L"Content-Type: multipart/form-data; boundary=" + ToWide(multipart.boundary) + L"\r\n";
  if (!upload.key.empty()) headers += L"X-API-Key: " + ToWide(upload.key) + L"\r\n";
  // The length is given here; the body follows piece by piece, so the dump is never in memory as a whole.
  if (!WinHttpSendRequest(request.get(), headers.c_str(), static_cast<DWORD>(-1), WINHTTP_NO_REQUEST_DATA, 0,
                          static_cast<DWORD>(length), 0))
    throw std::runtime_error("no connection: error " + std::to_string(GetLastError()));
  try {
    Write(request.get(), multipart.before.data(), static_cast<DWORD>(multipart.before.size()));
    std::vector<char> buffer(64 * 1024);
    while (const DWORD got = file.Read(buffer.data(), static_cast<DWORD>(buffer.size()))) Write(request.get(), buffer.data(), got);
    Write(request.get(), multipart.after.data(), static_cast<DWORD>(multipart.after.size()));
  } catch (const std::runtime_error&) {
    return ReadAnswer(request.get());
  }
  return ReadAnswer(request.get());
}

// What may be different next time: the server is busy, is going down, its disk is full.
bool MayPass(DWORD status) { return status >= 500 || status == 408 || status == 429; }

}  // namespace

int wmain(int argc, wchar_t** argv) {
  Upload upload;
  std::vector<std::wstring> words;
  for (int i = 1; i < argc; ++i) {
    const std::wstring word = argv[i];
    const size_t equals = word.find(L'=');
    if (word == L"--submit") upload.submit = true;
    else if (words.size() >= 2 && equals != std::wstring::npos)
      upload.annotations.emplace_back(ToUtf8(word.substr(0, equals)), ToUtf8(word.substr(equals + 1)));
    else words.push_back(word);
  }
  if (words.size() != 2) {
    std::fprintf(stderr, "usage: winhttp_upload SERVER DUMP [--submit] [NAME=VALUE ...]\n");
    return 64;
  }
  upload.server = words[0];
  upload.dump = words[1];
  wchar_t key[1024] = {};
  if (GetEnvironmentVariableW(L"CHS_API_KEY", key, 1024) > 0) upload.key = ToUtf8(key);
  try {
    const Answer answer = Send(upload);
    std::printf("%s%s", answer.body.c_str(), answer.body.empty() || answer.body.back() != '\n' ? "\n" : "");
    if (answer.status == 200) return 0;
    return MayPass(answer.status) ? 2 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
