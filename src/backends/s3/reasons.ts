/** What a server of S3, or the way to it, refused, in plain words without keys. */

const BY_CODE: Readonly<Record<string, string>> = {
  NoSuchBucket: 'no such bucket',
  InvalidBucketName: 'no such bucket',
  AccessDenied: 'access denied',
  AllAccessDisabled: 'access denied',
  AccountProblem: 'access denied',
  Forbidden: 'access denied',
  SignatureDoesNotMatch: 'signature refused',
  InvalidAccessKeyId: 'the access key is not known',
  InvalidToken: 'the credentials have expired',
  ExpiredToken: 'the credentials have expired',
  TokenRefreshRequired: 'the credentials have expired',
  CredentialsProviderError: 'there are no credentials',
  RequestTimeTooSkewed: 'the clock of this machine is wrong',
  AuthorizationHeaderMalformed: 'it is in another region',
  PermanentRedirect: 'it is in another region',
  IllegalLocationConstraintException: 'it is in another region',
  SlowDown: 'the server is too busy',
  ServiceUnavailable: 'the server is too busy',
  BadDigest: 'the server received other bytes than were sent',
  XAmzContentSHA256Mismatch: 'the server received other bytes than were sent',
  EntityTooLarge: 'the server takes no file of this size',
  QuotaExceeded: 'there is no more room',
  XMinioStorageFull: 'there is no more room',
  NotImplemented: 'the server does not know the request',
  TooLong: 'the server sends more than the file has',
  TooShort: 'the server does not send the whole file',
  TimeoutError: 'the server does not answer in time',
};

const UNREACHABLE =
  /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|EHOST\w+|ENET\w+|ETIMEDOUT|EPIPE|ERR_STREAM_PREMATURE_CLOSE|HPE_\w+)$/;
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS|ERR_SSL|EPROTO/;

export interface Refused {
  readonly s3Code: string;
  /** Of HTTP; 0 when there was no reply. */
  readonly status: number;
  /** Null where it is none of the server's: an error of the program. */
  readonly reason: string | null;
}

/** @param error of the SDK */
export function reasonOf(error: Error): Refused {
  const status = statusOf(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const s3Code = BY_CODE[error.name] === undefined && BY_CODE[code] !== undefined ? code : error.name;
  const known = BY_CODE[s3Code];
  // The SDK calls a connection that broke a timeout as well.
  if (known !== undefined && !UNREACHABLE.test(code)) return { s3Code, status, reason: known };
  if (UNREACHABLE.test(code) || UNREACHABLE.test(error.name) || error.message === 'aborted') {
    return { s3Code: code || error.name, status: 0, reason: 'cannot be reached' };
  }
  if (UNTRUSTED.test(code)) return { s3Code: code, status: 0, reason: 'its certificate is not trusted' };
  if (status === 401 || status === 403) return { s3Code, status, reason: 'access denied' };
  if (status === 301 || status === 307) return { s3Code, status, reason: 'it is in another region' };
  if (status === 507) return { s3Code, status, reason: 'there is no more room' };
  if (status >= 500) return { s3Code, status, reason: `the server failed with status ${status}` };
  if (status >= 300) return { s3Code, status, reason: `the server refused with status ${status}` };
  // A reply that is not what S3 says, or more than it ever says.
  const isOdd = status > 0 || error.message === 'endless reply' || error instanceof SyntaxError;
  return { s3Code, status, reason: isOdd ? 'the server does not speak S3' : null };
}

function statusOf(error: Error): number {
  const metadata = '$metadata' in error ? error.$metadata : null;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : 0;
  return typeof status === 'number' ? status : 0;
}
