/*
 * pyosslConvert.c --
 *
 *	Every conversion between Tcl values and OpenSSL's: bytes, integers of
 *	any size, text, times, digests, BIO contents, PEM and DER. A bad value is a TypeError (it
 *	is not of the kind) or a ValueError (it is out of range).
 */

#include "pyosslInt.h"
#include <limits.h>
#include <openssl/asn1.h>
#include <openssl/asn1err.h>
#include <openssl/pem.h>

/*
 * PyosslGetBytes --
 *	The bytes of a value. A character above U+00FF is a TypeError, never
 *	cut down to its low byte as Tcl 8.6 would.
 * Results:
 *	Borrowed from objPtr; NULL with an error in interp. They are gone as
 *	soon as the value is taken for anything else, and one value may stand
 *	for several arguments: bytes are asked for after all other arguments.
 */
unsigned char *
PyosslGetBytes(
    Tcl_Interp *interp,
    PyosslModule module,
    const char *what,
    Tcl_Obj *objPtr,
    Tcl_Size *lengthPtr)
{
#if TCL_MAJOR_VERSION >= 9
    unsigned char *bytes = Tcl_GetBytesFromObj(NULL, objPtr, lengthPtr);

    if (bytes != NULL) {
	return bytes;
    }
#else
    /*
     * A byte array without a string is pure. Anything else is looked at as
     * UTF-8, where U+0100 and above start with 0xC4 and above.
     */
    if (objPtr->bytes == NULL && objPtr->typePtr != NULL
	    && strcmp(objPtr->typePtr->name, "bytearray") == 0) {
	return Tcl_GetByteArrayFromObj(objPtr, lengthPtr);
    } else {
	Tcl_Size i, length;
	const char *string = Tcl_GetStringFromObj(objPtr, &length);

	for (i = 0; i < length && (unsigned char) string[i] < 0xC4; i++) {
	    /* Empty body. */
	}
	if (i == length) {
	    return Tcl_GetByteArrayFromObj(objPtr, lengthPtr);
	}
    }
#endif
    PyosslFail(interp, module, "TypeError",
	    "%s must be bytes: it has a character above U+00FF", what);
    return NULL;
}

/*
 * A value that fits into 64 bits with its sign. Tcl takes 2**63 to 2**64-1 as
 * well, and makes negative numbers of them.
 */
static int
FitsWide(
    Tcl_Obj *objPtr,
    Tcl_WideInt *widePtr)
{
    return Tcl_GetWideIntFromObj(NULL, objPtr, widePtr) == TCL_OK
	    && (*widePtr >= 0 || strchr(Tcl_GetString(objPtr), '-') != NULL);
}

/*
 * PyosslGetWide, PyosslGetInt, PyosslGetIntRange --
 *	A Tcl integer; what names it in the message.
 */
int
PyosslGetWide(
    Tcl_Interp *interp,
    PyosslModule module,
    const char *what,
    Tcl_Obj *objPtr,
    Tcl_WideInt *widePtr)
{
    BIGNUM *bnPtr;

    if (FitsWide(objPtr, widePtr)) {
	return TCL_OK;
    }
    bnPtr = PyosslGetBignum(interp, module, what, objPtr);
    if (bnPtr == NULL) {
	return TCL_ERROR;
    }
    BN_free(bnPtr);
    return PyosslFail(interp, module, "ValueError", "%s is out of range: %.40s",
	    what, Tcl_GetString(objPtr));
}

int
PyosslGetIntRange(
    Tcl_Interp *interp,
    PyosslModule module,
    const char *what,
    Tcl_Obj *objPtr,
    int min,
    int max,
    int *intPtr)
{
    Tcl_WideInt wide;

    if (PyosslGetWide(interp, module, what, objPtr, &wide) != TCL_OK) {
	return TCL_ERROR;
    }
    if (wide < min || wide > max) {
	return PyosslFail(interp, module, "ValueError",
		"%s is out of range: %.40s", what, Tcl_GetString(objPtr));
    }
    *intPtr = (int) wide;
    return TCL_OK;
}

int
PyosslGetInt(
    Tcl_Interp *interp,
    PyosslModule module,
    const char *what,
    Tcl_Obj *objPtr,
    int *intPtr)
{
    return PyosslGetIntRange(interp, module, what, objPtr, INT_MIN, INT_MAX,
	    intPtr);
}

int
PyosslGetBoolean(
    Tcl_Interp *interp,
    PyosslModule module,
    const char *what,
    Tcl_Obj *objPtr,
    int *boolPtr)
{
    if (Tcl_GetBooleanFromObj(NULL, objPtr, boolPtr) != TCL_OK) {
	return PyosslFail(interp, module, "TypeError",
		"%s must be a boolean, not \"%.40s\"", what,
		Tcl_GetString(objPtr));
    }
    return TCL_OK;
}

/*
 * PyosslGetBignum --
 *	A Tcl integer of any size: decimal, or 0x, 0o, 0b, as Tcl reads it.
 * Results:
 *	A new BIGNUM, the caller's; NULL with an error in interp.
 */
BIGNUM *
PyosslGetBignum(
    Tcl_Interp *interp,
    PyosslModule module,
    const char *what,
    Tcl_Obj *objPtr)
{
    BIGNUM *bnPtr = NULL;
    Tcl_WideInt wide;
    Tcl_Obj *decimalObj;
    const char *text;

    if (FitsWide(objPtr, &wide)) {
	decimalObj = Tcl_NewWideIntObj(wide);
    } else {
	/*
	 * Tcl's own judgement of what an integer is, then its decimal form:
	 * [expr] is asked, with the value as a value, so nothing in it runs.
	 */
	Tcl_Obj *words[3];
	int ok;

	if (strlen(Tcl_GetString(objPtr)) > 20000) {
	    PyosslFail(interp, module, "ValueError", "%s is too large", what);
	    return NULL;
	}
	words[0] = Tcl_NewStringObj("::tcl::mathop::+", -1);
	words[1] = Tcl_NewIntObj(0);
	words[2] = objPtr;
	Tcl_IncrRefCount(words[0]);
	Tcl_IncrRefCount(words[1]);
	ok = Tcl_EvalObjv(interp, 3, words, TCL_EVAL_GLOBAL) == TCL_OK;
	decimalObj = ok ? Tcl_DuplicateObj(Tcl_GetObjResult(interp)) : NULL;
	Tcl_ResetResult(interp);
	Tcl_DecrRefCount(words[0]);
	Tcl_DecrRefCount(words[1]);
    }
    if (decimalObj != NULL) {
	Tcl_IncrRefCount(decimalObj);
	text = Tcl_GetString(decimalObj);
	if (text[strspn(text, "-0123456789")] == '\0' && text[0] != '\0') {
	    ERR_clear_error();
	    if (!BN_dec2bn(&bnPtr, text)) {
		Tcl_DecrRefCount(decimalObj);
		PyosslFailQueue(interp, module, "cannot make a number");
		return NULL;
	    }
	}
	Tcl_DecrRefCount(decimalObj);
    }
    if (bnPtr == NULL) {
	PyosslFail(interp, module, "TypeError",
		"%s must be an integer, not \"%.40s\"", what,
		Tcl_GetString(objPtr));
    }
    return bnPtr;
}

/* PyosslBignumObj -- a BIGNUM as a decimal Tcl integer. */
Tcl_Obj *
PyosslBignumObj(
    const BIGNUM *bnPtr)
{
    char *text = BN_bn2dec(bnPtr);
    Tcl_Obj *objPtr = Tcl_NewStringObj(text ? text : "", -1);

    OPENSSL_free(text);
    return objPtr;
}

/* PyosslAsn1IntegerObj -- an ASN.1 INTEGER, its sign included, in decimal. */
Tcl_Obj *
PyosslAsn1IntegerObj(
    const ASN1_INTEGER *intPtr)
{
    BIGNUM *bnPtr = intPtr ? ASN1_INTEGER_to_BN(intPtr, NULL) : NULL;
    Tcl_Obj *objPtr;

    if (bnPtr == NULL) {
	ERR_clear_error();
	return Tcl_NewIntObj(0);
    }
    objPtr = PyosslBignumObj(bnPtr);
    BN_free(bnPtr);
    return objPtr;
}

/*
 * PyosslGetUtf8 --
 *	The characters of a value as UTF-8 of the outside world. Tcl's own form
 *	is not that: it writes a NUL in two bytes and, in Tcl 8.6, a character
 *	beyond U+FFFF as two halves.
 * Arguments:
 *	dsPtr	Is initialized, and holds the bytes; the caller's to free.
 * Results:
 *	The bytes, in dsPtr, with a NUL behind them.
 */
const char *
PyosslGetUtf8(
    Tcl_Obj *objPtr,
    Tcl_DString *dsPtr,
    Tcl_Size *lengthPtr)
{
    Tcl_Encoding utf8 = Tcl_GetEncoding(NULL, "utf-8");
    Tcl_Size length;
    const char *string = Tcl_GetStringFromObj(objPtr, &length);

    Tcl_UtfToExternalDString(utf8, string, length, dsPtr);
    Tcl_FreeEncoding(utf8);
    *lengthPtr = Tcl_DStringLength(dsPtr);
    return Tcl_DStringValue(dsPtr);
}

/*
 * PyosslUtf8Obj --
 *	UTF-8 bytes as characters. Bytes that are no UTF-8 become the
 *	characters of the same number, so nothing is lost.
 */
Tcl_Obj *
PyosslUtf8Obj(
    const char *bytes,
    Tcl_Size length)
{
    Tcl_Encoding utf8 = Tcl_GetEncoding(NULL, "utf-8");
    Tcl_DString text;
    Tcl_Obj *objPtr;

    Tcl_ExternalToUtfDString(utf8, bytes, length, &text);
    Tcl_FreeEncoding(utf8);
    objPtr = Tcl_NewStringObj(Tcl_DStringValue(&text),
	    Tcl_DStringLength(&text));
    Tcl_DStringFree(&text);
    return objPtr;
}

/*
 * PyosslGetDigest --
 *	A message digest by OpenSSL's name; an unknown one is a ValueError.
 */
const EVP_MD *
PyosslGetDigest(
    Tcl_Interp *interp,
    PyosslModule module,
    Tcl_Obj *objPtr)
{
    const EVP_MD *mdPtr = EVP_get_digestbyname(Tcl_GetString(objPtr));

    if (mdPtr == NULL) {
	PyosslFail(interp, module, "ValueError",
		"no such digest: \"%.40s\"", Tcl_GetString(objPtr));
    }
    return mdPtr;
}

/*
 * PyosslBioObj --
 *	The contents of a memory BIO as bytes; the BIO is freed.
 */
Tcl_Obj *
PyosslBioObj(
    BIO *bioPtr)
{
    char *data;
    long length = BIO_get_mem_data(bioPtr, &data);
    Tcl_Obj *objPtr = Tcl_NewByteArrayObj((unsigned char *) data,
	    (Tcl_Size) length);

    BIO_free_all(bioPtr);
    return objPtr;
}

/* PyosslDerObj -- what an i2d function allocated, as bytes; it is freed. */
Tcl_Obj *
PyosslDerObj(
    unsigned char *der,
    int length)
{
    Tcl_Obj *objPtr = Tcl_NewByteArrayObj(der, length);

    OPENSSL_free(der);
    return objPtr;
}

/* PyosslColonHexObj -- "AB:CD:EF", the form of fingerprints. */
Tcl_Obj *
PyosslColonHexObj(
    const unsigned char *bytes,
    Tcl_Size length)
{
    static const char digits[] = "0123456789ABCDEF";
    Tcl_Obj *objPtr = Tcl_NewObj();
    Tcl_Size i;
    char *p;

    if (length == 0) {
	return objPtr;
    }
    Tcl_SetObjLength(objPtr, length * 3 - 1);
    p = Tcl_GetString(objPtr);
    for (i = 0; i < length; i++) {
	if (i > 0) {
	    *p++ = ':';
	}
	*p++ = digits[bytes[i] >> 4];
	*p++ = digits[bytes[i] & 15];
    }
    return objPtr;
}

/*
 * ---------------------------------------------------------------------
 * Times: YYYYMMDDhhmmssZ, or with +hhmm or -hhmm in the place of the Z.
 * ---------------------------------------------------------------------
 */

static int
MonthDays(
    int year,
    int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2
	    && (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)));
}

/* Reads n digits; -1 if there are fewer. */
static int
Digits(
    const char **textPtr,
    int n)
{
    int value = 0;

    while (n-- > 0) {
	if (**textPtr < '0' || **textPtr > '9') {
	    return -1;
	}
	value = value * 10 + *(*textPtr)++ - '0';
    }
    return value;
}

/*
 * Checks a time and normalizes an offset to Z.
 * Results: 1 with "YYYYMMDDhhmmssZ" in out, or 0.
 */
static int
ParseTime(
    const char *text,
    char *out,
    size_t size)
{
    int year = Digits(&text, 4);
    int month = Digits(&text, 2), day = Digits(&text, 2);
    int hour = Digits(&text, 2), minute = Digits(&text, 2);
    int second = Digits(&text, 2), sign, offset = 0, left;

    if (year < 0 || month < 1 || month > 12 || day < 1
	    || day > MonthDays(year, month) || hour < 0 || hour > 23
	    || minute < 0 || minute > 59 || second < 0 || second > 59) {
	return 0;
    }
    if (text[0] == '+' || text[0] == '-') {
	int offHour, offMinute;

	sign = *text++ == '-' ? 1 : -1;
	offHour = Digits(&text, 2);
	offMinute = Digits(&text, 2);
	if (offHour < 0 || offHour > 23 || offMinute < 0 || offMinute > 59) {
	    return 0;
	}
	offset = sign * (offHour * 60 + offMinute);
    } else if (*text++ != 'Z') {
	return 0;
    }
    if (*text != '\0') {
	return 0;
    }
    if (offset != 0) {
	minute += hour * 60 + offset;
	left = 0;
	while (minute < 0) {
	    minute += 1440;
	    left--;
	}
	while (minute >= 1440) {
	    minute -= 1440;
	    left++;
	}
	hour = minute / 60;
	minute %= 60;
	day += left;
	if (day < 1) {
	    if (--month < 1) {
		month = 12;
		year--;
	    }
	    day = MonthDays(year, month);
	} else if (day > MonthDays(year, month)) {
	    day = 1;
	    if (++month > 12) {
		month = 1;
		year++;
	    }
	}
	if (year < 0 || year > 9999) {
	    return 0;
	}
    }
    snprintf(out, size, "%04d%02d%02d%02d%02d%02dZ", year, month, day, hour,
	    minute, second);
    return 1;
}

/*
 * PyosslGetTime --
 *	A time argument as ASN.1: UTCTime through 2049, GeneralizedTime
 *	otherwise (RFC 5280, 4.1.2.5).
 * Results:
 *	TCL_OK with a new ASN1_TIME, the caller's; TCL_ERROR with a ValueError.
 */
int
PyosslGetTime(
    Tcl_Interp *interp,
    PyosslModule module,
    const char *what,
    Tcl_Obj *objPtr,
    ASN1_TIME **timePtrPtr)
{
    char text[64];
    ASN1_TIME *timePtr;

    if (!ParseTime(Tcl_GetString(objPtr), text, sizeof(text))) {
	return PyosslFail(interp, module, "ValueError",
		"%s must be YYYYMMDDhhmmssZ (or with +hhmm, -hhmm), "
		"not \"%.40s\"", what, Tcl_GetString(objPtr));
    }
    timePtr = ASN1_TIME_new();
    if (timePtr == NULL || !ASN1_TIME_set_string_X509(timePtr, text)) {
	ASN1_TIME_free(timePtr);
	return PyosslFailQueue(interp, module, what);
    }
    *timePtrPtr = timePtr;
    return TCL_OK;
}

/*
 * PyosslTimeObj --
 *	A time as YYYYMMDDhhmmssZ; empty where there is none.
 */
Tcl_Obj *
PyosslTimeObj(
    const ASN1_TIME *timePtr)
{
    ASN1_GENERALIZEDTIME *longPtr;
    Tcl_Obj *objPtr;

    if (timePtr == NULL || ASN1_STRING_length((const ASN1_STRING *) timePtr)
	    == 0) {
	return Tcl_NewObj();
    }
    longPtr = ASN1_TIME_to_generalizedtime(timePtr, NULL);
    if (longPtr == NULL) {
	/* Not a time that OpenSSL reads: show it as it is. */
	ERR_clear_error();
	return Tcl_NewStringObj((const char *) ASN1_STRING_get0_data(
		(const ASN1_STRING *) timePtr),
		ASN1_STRING_length((const ASN1_STRING *) timePtr));
    }
    objPtr = Tcl_NewStringObj((const char *) ASN1_STRING_get0_data(longPtr),
	    ASN1_STRING_length(longPtr));
    ASN1_GENERALIZEDTIME_free(longPtr);
    return objPtr;
}

/*
 * ---------------------------------------------------------------------
 * PEM and DER of single ASN.1 values
 * ---------------------------------------------------------------------
 */

/*
 * PyosslGetBuffer --
 *	Bytes that OpenSSL takes with an int as their length.
 * Results:
 *	TCL_OK with the bytes, borrowed from objPtr; TCL_ERROR with an error.
 */
int
PyosslGetBuffer(
    Tcl_Interp *interp,
    PyosslModule module,
    const char *what,
    Tcl_Obj *objPtr,
    const unsigned char **bytesPtr,
    int *lengthPtr)
{
    Tcl_Size length;

    *lengthPtr = 0;
    *bytesPtr = PyosslGetBytes(interp, module, what, objPtr, &length);
    if (*bytesPtr == NULL) {
	return TCL_ERROR;
    }
    if (length > INT_MAX - 1) {
	return PyosslFail(interp, module, "ValueError", "%s is too long", what);
    }
    *lengthPtr = (int) length;
    return TCL_OK;
}

/* DER, to its last byte: what follows the value is an error. */
static void *
ItemFromDer(
    const unsigned char *bytes,
    int length,
    const ASN1_ITEM *itemPtr)
{
    const unsigned char *p = bytes;
    ASN1_VALUE *valuePtr = ASN1_item_d2i(NULL, &p, length, itemPtr);

    if (valuePtr != NULL && p != bytes + length) {
	ASN1_item_free(valuePtr, itemPtr);
	ERR_raise_data(ERR_LIB_ASN1, ASN1_R_TOO_LONG,
		"%d bytes follow its end", (int) (bytes + length - p));
	return NULL;
    }
    return valuePtr;
}

/* The pem_password_cb of what has no passphrase: OpenSSL's own prompts. */
static int
NeverAsk(
    char *buf,
    int size,
    int rwflag,
    void *userdata)
{
    (void) buf; (void) size; (void) rwflag; (void) userdata;
    return -1;
}

/* The one of labels that a line of PEM begins a block of, or NULL. */
static const char *
BlockBegun(
    const char *line,
    const char *end,
    const char *const labels[])
{
    static const char begin[] = "-----BEGIN ", dashes[] = "-----";
    Tcl_Size first = sizeof(begin) - 1, length, size;
    int any;

    /* What OpenSSL passes over at the end of a line, bytes above 0x7F too. */
    while (end > line && (signed char) end[-1] <= ' ') {
	end--;
    }
    length = (Tcl_Size) (end - line) - (Tcl_Size) (sizeof(dashes) - 1);
    if (length < first || memcmp(line, begin, first) != 0
	    || memcmp(line + length, dashes, end - line - length) != 0) {
	return NULL;
    }
    while (length > first && line[length - 1] == ' ') {
	length--;		/* OpenSSL refuses it, and says why. */
    }
    for (; *labels != NULL; labels++) {
	any = **labels == '*';
	size = (Tcl_Size) strlen(*labels + any);
	if ((any ? size <= length - first : size == length - first)
		&& memcmp(line + length - size, *labels + any, size) == 0) {
	    break;
	}
    }
    return *labels;
}

/*
 * PyosslPemSeek --
 *	Moves a memory BIO on to the next line that begins a block of PEM with
 *	a label that is wanted, or to its end, before OpenSSL reads from it.
 *	OpenSSL by itself reads the blocks before it, and gives up at one that
 *	it cannot read, such as PGP's.
 * Arguments:
 *	labels	"X509 CRL", or "*PRIVATE KEY" for all that end so; and NULL.
 * Results:
 *	The first one of them that fits; NULL at the end.
 */
const char *
PyosslPemSeek(
    BIO *bioPtr,
    const char *const labels[])
{
    enum {LINE_SIZE = 254};
    const char *found = NULL, *line, *next, *end;
    char *start;
    size_t size;
    long left = BIO_get_mem_data(bioPtr, &start);

    end = start + left;
    for (line = start; line < end; line = next) {
	/* OpenSSL reads so much of a line at a time. */
	size = end - line < LINE_SIZE ? (size_t) (end - line) : LINE_SIZE;
	next = memchr(line, '\n', size);
	next = next != NULL ? next + 1 : line + size;
	if (next - line >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
	    line += 3;		/* A byte order mark. */
	}
	found = BlockBegun(line, next, labels);
	if (found != NULL) {
	    break;
	}
    }
    (void) BIO_seek(bioPtr, BIO_tell(bioPtr) + (int) (line - start));
    return found;
}

/*
 * The value of the first block of its kind. PKCS#7 data is found in blocks
 * named CERTIFICATE as well; one that holds a certificate is none.
 */
static void *
ItemFromPem(
    BIO *bioPtr,
    const char *const labels[],
    const ASN1_ITEM *itemPtr)
{
    void *valuePtr = NULL;
    int more = 1;

    while (more) {
	unsigned char *der = NULL;
	const unsigned char *p;
	long length = 0;
	char *name = NULL;

	PyosslPemSeek(bioPtr, labels);
	if (!PEM_bytes_read_bio(&der, &length, &name, labels[0], bioPtr,
		NeverAsk, NULL)) {
	    PyosslErrorNoPem();
	    break;
	}
	p = der;
	valuePtr = ASN1_item_d2i(NULL, &p, length, itemPtr);
	more = valuePtr == NULL && strcmp(labels[0], PEM_STRING_PKCS7) == 0
		&& strcmp(name, PEM_STRING_X509) == 0;
	if (more) {
	    ERR_clear_error();
	}
	OPENSSL_free(name);
	OPENSSL_free(der);
    }
    return valuePtr;
}

/*
 * PyosslItemLoad --
 *	Loads a value from bytes. PEM may stand in other text, the first block
 *	of the right kind counts; DER ends where the bytes end.
 * Arguments:
 *	what	As in "cannot load the certificate".
 *	labels	In PEM: PEM_STRING_*, and its other names that OpenSSL takes as
 *		well, see PEM_bytes_read_bio(3); then NULL.
 * Results:
 *	The value, the caller's; NULL with an error in interp.
 */
void *
PyosslItemLoad(
    Tcl_Interp *interp,
    PyosslModule module,
    int filetype,
    Tcl_Obj *bufferObj,
    const char *what,
    const char *const labels[],
    const ASN1_ITEM *itemPtr)
{
    const unsigned char *bytes;
    char message[80];
    void *valuePtr = NULL;
    BIO *bioPtr;
    int length;

    if (PyosslGetBuffer(interp, module, "the buffer", bufferObj, &bytes,
	    &length) != TCL_OK) {
	return NULL;
    }
    ERR_clear_error();
    if (filetype == PYOSSL_FILETYPE_ASN1) {
	valuePtr = ItemFromDer(bytes, length, itemPtr);
    } else if ((bioPtr = BIO_new_mem_buf(bytes, length)) != NULL) {
	valuePtr = ItemFromPem(bioPtr, labels, itemPtr);
	BIO_free(bioPtr);
    }
    if (valuePtr == NULL) {
	snprintf(message, sizeof(message), "cannot load the %s", what);
	PyosslFailQueue(interp, module, message);
	return NULL;
    }
    ERR_clear_error();
    return valuePtr;
}

/*
 * PyosslItemDump --
 *	Leaves a value in PEM or DER as the result.
 */
int
PyosslItemDump(
    Tcl_Interp *interp,
    PyosslModule module,
    int filetype,
    const char *what,
    const char *pemName,
    const ASN1_ITEM *itemPtr,
    const void *valuePtr)
{
    unsigned char *der = NULL;
    char message[80];
    BIO *bioPtr;
    int length;

    ERR_clear_error();
    length = ASN1_item_i2d(valuePtr, &der, itemPtr);
    if (length < 0) {
	snprintf(message, sizeof(message),
		"cannot encode the %s: it is not complete", what);
	return PyosslFailQueue(interp, module, message);
    }
    if (filetype == PYOSSL_FILETYPE_ASN1) {
	Tcl_SetObjResult(interp, PyosslDerObj(der, length));
	return TCL_OK;
    }
    bioPtr = BIO_new(BIO_s_mem());
    if (bioPtr == NULL || !PEM_write_bio(bioPtr, pemName, "", der, length)) {
	OPENSSL_free(der);
	BIO_free(bioPtr);
	snprintf(message, sizeof(message), "cannot write the %s", what);
	return PyosslFailQueue(interp, module, message);
    }
    OPENSSL_free(der);
    Tcl_SetObjResult(interp, PyosslBioObj(bioPtr));
    return TCL_OK;
}
