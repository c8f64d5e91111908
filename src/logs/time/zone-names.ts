/** Zones written into the line: numeric offsets, and names by a table. */
import {
  codeAt,
  digitRun,
  isDigit,
  isLetter,
  LOCAL,
  type Reading,
  readNumber,
  skipBlanks,
} from './reading.ts';

import { isTimeZone } from './zones.ts';

/**
 * Minutes east of UTC. Where a name has several meanings, the one that logs most often mean.
 * Source: the tz database and the usual list of civil abbreviations.
 */
const TABLE = `
ACDT 630,ACST 570,ACT -300,ACWST 525,ADT -180,AEDT 660,AEST 600,AET 600,AFT 270,AKDT -480,AKST -540,ALMT 360,
AMST -180,AMT -240,ANAT 720,AQTT 300,ART -180,AWST 480,AZOST 0,AZOT -60,AZT 240,BIOT 360,BIT -720,BNT 480,
BOT -240,BRST -120,BRT -180,BST 60,BTT 360,CAT 120,CCT 390,CDT -300,CEST 120,CET 60,CHADT 825,CHAST 765,
CHOST 540,CHOT 480,CHST 600,CHUT 600,CIST -480,CKT -600,CLST -180,CLT -240,COST -240,COT -300,CST -360,CVT -60,
CWST 525,CXT 420,DAVT 420,DDUT 600,DFT 60,EASST -300,EAST -360,EAT 180,ECT -300,EDT -240,EEST 180,EET 120,
EGST 0,EGT -60,EST -300,FET 180,FJT 720,FKST -180,FKT -240,FNT -120,GALT -360,GAMT -540,GET 240,GFT -180,
GILT 720,GIT -540,GMT 0,GST 240,GYT -240,HAEC 120,HDT -540,HKT 480,HMT 300,HOVST 480,HOVT 420,HST -600,ICT 420,
IDLW -720,IDT 180,IOT 360,IRDT 270,IRKT 480,IRST 210,IST 330,JST 540,KALT 120,KGT 360,KOST 660,KRAT 420,KST 540,
LHDT 660,LHST 630,LINT 840,MAGT 720,MART -570,MAWT 300,MDT -360,MEST 120,MESZ 120,MET 60,MEZ 60,MHT 720,MIST 660,
MIT -570,MMT 390,MSD 240,MSK 180,MST -420,MUT 240,MVT 300,MYT 480,NCT 660,NDT -150,NFT 660,NOVT 420,NPT 345,
NST -210,NUT -660,NZDT 780,NZST 720,OMST 360,ORAT 300,PDT -420,PET -300,PETT 720,PGT 600,PHOT 780,PHST 480,
PHT 480,PKT 300,PMDT -120,PMST -180,PONT 660,PST -480,PWT 540,PYST -180,PYT -240,RET 240,ROTT -180,SAKT 660,
SAMT 240,SAST 120,SBT 660,SCT 240,SDT -600,SGT 480,SLST 330,SRET 660,SRT -180,SST -660,SYOT 180,TAHT -600,
TFT 300,TJT 300,TKT 780,TLT 540,TMT 300,TOT 780,TRT 180,TVT 720,ULAST 540,ULAT 480,UT 0,UTC 0,UYST -120,
UYT -180,UZT 300,VET -240,VLAT 600,VOLT 180,VOST 360,VUT 660,WAKT 720,WAST 120,WAT 60,WEST 60,WET 0,WGST -120,
WGT -180,WIB 420,WIT 540,WITA 480,WST 480,YAKT 540,YEKT 300`;

/** Names of up to five letters as one number, five bits a letter: no text has to be made to look one up. */
export type ZoneNames = ReadonlyMap<number, number>;

function keyOf(name: string): number {
  let key = 0;
  for (let index = 0; index < name.length; index++) key = (key << 5) | (name.charCodeAt(index) & 31);
  return key;
}

/** Minutes east of UTC by the key of the name. */
export const ZONE_NAMES: ZoneNames = new Map(
  TABLE.split(',').map((row) => {
    const [name = '', minutes = '0'] = row.trim().split(' ');
    return [keyOf(name), Number(minutes)];
  }),
);

/** Names that are also words, and words stand behind times; they count in capitals alone. */
const WORDS = new Set(
  'ACT ART BIT CAT COST EAST EAT GET GIT MART MET MIST MIT NUT PET RET TOT UT VET VOLT VOST WEST WET WIT'
    .split(' ')
    .map(keyOf),
);
const GET = keyOf('GET');

/** What a name means to somebody who lives in such a zone. */
const MEANT_LOCALLY: readonly (readonly [zones: RegExp, name: string, minutes: number])[] = [
  [/^(Asia\/(Shanghai|Chongqing|Urumqi|Harbin|Macau|Taipei|Hong_Kong)|PRC|ROC|Hongkong)$/, 'CST', 480],
  [/^(America\/Havana|Cuba)$/, 'CST', -300],
  [/^(Asia\/(Jerusalem|Tel_Aviv)|Israel)$/, 'IST', 120],
  [/^(Europe\/Dublin|Eire)$/, 'IST', 60],
  [/^Asia\/Dhaka$/, 'BST', 360],
  [/^Asia\/Manila$/, 'PST', 480],
];

/** The names' offsets as somebody in an IANA zone means them. */
export function zoneNamesFor(zone: string): ZoneNames {
  const meant = MEANT_LOCALLY.filter(([zones]) => zones.test(zone));
  if (meant.length === 0) return ZONE_NAMES;
  const names = new Map(ZONE_NAMES);
  for (const [, name, minutes] of meant) names.set(keyOf(name), minutes);
  return names;
}

const NAME_CHARS_MAX = 5;
const REGION_CHARS_MAX = 10;
/** The farthest zones are 14 hours east and 12 west. */
const OFFSET_HOURS_MAX = 14;
/** U+2212, the minus sign that ISO 8601 asks for. */
const MINUS_SIGN = 0x2212;

/** Reads a zone with up to two blanks before it; without one, no step is made and the offset stays LOCAL. */
export function readZone(r: Reading): void {
  const back = r.at;
  skipBlanks(r, 2);
  const first = codeAt(r, r.at);
  if (first === 43 || first === 45 || first === MINUS_SIGN) {
    if (readOffset(r, first)) return;
  } else if (isLetter(first) && (readZoneName(r) || readIanaName(r))) return;
  r.at = back;
}

/** `+03`, `+0300`, `+03:00`, and the same with a minus. */
function readOffset(r: Reading, sign: number): boolean {
  const back = r.at;
  const digits = digitRun(r, r.at + 1, 5);
  if (digits !== 2 && digits !== 4) return false;
  r.at++;
  const hours = readNumber(r, 2, 2);
  let minutes = 0;
  if (digits === 4) minutes = readNumber(r, 2, 2);
  else if (codeAt(r, r.at) === 58 && digitRun(r, r.at + 1, 3) === 2) {
    r.at++;
    minutes = readNumber(r, 2, 2);
  }
  // "-08-31" goes on as a date.
  const goesOn = digits === 2 && codeAt(r, r.at) === 45 && isDigit(codeAt(r, r.at + 1));
  if (hours > OFFSET_HOURS_MAX || minutes > 59 || goesOn) {
    r.at = back;
    return false;
  }
  r.offsetS = (sign === 43 ? 60 : -60) * (hours * 60 + minutes);
  if (sign === MINUS_SIGN) r.wide = true;
  return true;
}

function readZoneName(r: Reading): boolean {
  let end = r.at;
  let key = 0;
  let isUpper = true;
  for (let code = codeAt(r, end); isLetter(code); code = codeAt(r, ++end)) {
    if (end - r.at >= NAME_CHARS_MAX) return false;
    key = (key << 5) | (code & 31);
    isUpper &&= code < 97;
  }
  const length = end - r.at;
  if (codeAt(r, end) === 95) return false;
  if (length === 1) {
    if ((codeAt(r, r.at) | 32) !== 122 || isDigit(codeAt(r, end))) return false;
    r.at = end;
    r.offsetS = 0;
    return true;
  }
  const minutes = r.zoneNames.get(key);
  if (minutes === undefined) return false;
  if (WORDS.has(key) && (!isUpper || isRequest(r, key, end))) return false;
  r.at = end;
  r.offsetS = minutes * 60;
  if (minutes === 0) readOffsetFromUtc(r);
  return true;
}

/** `GET /path` behind a time is a request, not Georgia. */
function isRequest(r: Reading, key: number, end: number): boolean {
  return key === GET && codeAt(r, end) === 32 && (codeAt(r, end + 1) === 47 || isLetter(codeAt(r, end + 1)));
}

/** `GMT+0800`, `UTC+8`. */
function readOffsetFromUtc(r: Reading): void {
  const sign = codeAt(r, r.at);
  if (sign !== 43 && sign !== 45) return;
  if (readOffset(r, sign) || digitRun(r, r.at + 1, 3) !== 1) return;
  r.at++;
  r.offsetS = (sign === 43 ? 3600 : -3600) * readNumber(r, 1, 1);
}

const REGION =
  /(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)(?:\/[A-Za-z0-9_+-]{1,30}){1,2}/y;

/** `Asia/Shanghai`, as PHP writes it. */
function readIanaName(r: Reading): boolean {
  let slash = r.at;
  while (slash - r.at <= REGION_CHARS_MAX && isLetter(codeAt(r, slash))) slash++;
  if (codeAt(r, slash) !== 47 || slash - r.at > REGION_CHARS_MAX) return false;
  REGION.lastIndex = r.at;
  const name = REGION.exec(r.text)?.[0];
  if (name === undefined || !isTimeZone(name)) return false;
  r.at += name.length;
  r.zoneName = name;
  return true;
}

/** Whether the text of a reading named its zone. */
export function hasZone(r: Reading): boolean {
  return r.offsetS !== LOCAL || r.zoneName !== '';
}
