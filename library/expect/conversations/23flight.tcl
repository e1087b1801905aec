# 23flight.tcl --
#
#	The other messages of a server of TLS 1.2 that are wrong inside:
#	Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone.

family Flight client {clients, and what a server of TLS 1.2 says after its hello}

#------------------------------------------------------------------------
# Certificate
#------------------------------------------------------------------------

foreach {n title arguments alerts} {
    1 {has none} {certificate_list {}}
	{decode_error bad_certificate certificate_unknown handshake_failure
	unexpected_message illegal_parameter}
    2 {is no DER} {certificate_list {abcdef}}
	{decode_error bad_certificate certificate_unknown unsupported_certificate
	illegal_parameter}
    3 {has no bytes} {certificate_list_bytes \x00\x00\x00}
	{decode_error bad_certificate certificate_unknown illegal_parameter
	unsupported_certificate}
    4 {is cut} {certificate_list [list [string range [lindex [Chain] 0] 0 99]]}
	{decode_error bad_certificate certificate_unknown illegal_parameter
	unsupported_certificate}
    5 {goes beyond the list} {certificate_list_bytes \x00\x10\x00abc}
	decode_error
    6 {is in a list that goes beyond the message} {certificate_list_length 9999}
	decode_error
    7 {is in a list that ends before the message}
	{certificate_list [Chain] trailing_bytes x} decode_error
    8 {is in a list with half a length} {certificate_list_bytes \x00\x00}
	decode_error
    9 {is not there, nor the list} {body {}} decode_error
    10 {is followed by one that is no DER}
	{certificate_list [list [lindex [Chain] 0] abcdef]}
	{decode_error bad_certificate certificate_unknown unsupported_certificate
	illegal_parameter}
} {
    conversation Flight-Certificate-$n "the server's certificate $title" \
	-versions TLSv1.2 -source {RFC 5246, 7.4.2 and 7.2.2} [format {
	called
	tell ServerHello
	tell Certificate %s
	# One that waits for the rest has nothing to wait for.
	tell ServerKeyExchange
	tell ServerHelloDone
	refused %s
    } $arguments [join $alerts]]
}

#------------------------------------------------------------------------
# ServerKeyExchange
#------------------------------------------------------------------------

foreach {n title arguments alerts} {
    1 {its signature is wrong} {signature [string repeat s 72]}
	{decrypt_error decode_error illegal_parameter}
    2 {its signature is that of another handshake}
	{-other 1} {decrypt_error illegal_parameter}
    3 {its signature is empty} {signature {}}
	{decrypt_error decode_error illegal_parameter}
    4 {its signature goes beyond its end} {signature_length 9999} decode_error
    5 {it has a byte left over} {trailing_bytes x}
	{decode_error illegal_parameter}
    6 {its signature scheme was not offered} {algorithm 0xfe01}
	{illegal_parameter handshake_failure}
    7 {its signature scheme is one of another key}
	{algorithm [expr {[string match *_RSA_* $now(suite)] ?
	"ecdsa_secp256r1_sha256" : "rsa_pkcs1_sha256"}]} {}
    8 {its group is one that there is not} {namedcurve 0xfe11}
	{illegal_parameter handshake_failure}
    9 {its curve is explicit}
	{curve_type explicit_prime body \x01\x01\x17\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01}
	{illegal_parameter handshake_failure decode_error unexpected_message}
    10 {its point is not on the curve}
	{public [string replace $point end end \x00]} {}
    11 {its point has no bytes} {public {}}
	{illegal_parameter decode_error handshake_failure}
    12 {its point is a byte short} {public [string range $point 0 end-1]} {}
    13 {its point goes beyond its end} {body "\x03\x00\x17\x41abc"} decode_error
    14 {it has no bytes} {body {}} {decode_error handshake_failure}
    15 {it ends behind its point}
	{body "\x03\x00\x17\x41$point"} decode_error
} {
    conversation Flight-Key-$n "the server's ServerKeyExchange: $title" \
	-versions TLSv1.2 -source {RFC 5246, 7.4.3 and 7.2.2; RFC 8422, 5.4} \
	[format {
	called
	tell ServerHello
	tell Certificate
	tell ServerKeyExchange %s
	tell ServerHelloDone
	refused %s
    } [string map {{-other 1} {{*}[Others]}} $arguments] $alerts]
}

# The ServerKeyExchange for another random, as fields.
proc script::Others {} {
    variable now
    set random $now(random)
    set now(random) [string repeat r 32]
    set fields [message ServerKeyExchange]
    set now(random) $random
    return $fields
}

#------------------------------------------------------------------------
# CertificateRequest and ServerHelloDone
#------------------------------------------------------------------------

# requested ?field value ...? -- a flight with a CertificateRequest.
proc script::requested {args} {
    upvar 1 spawn_id spawn_id
    called
    offered ServerKeyExchange
    send -i $spawn_id -handshake CertificateRequest [dict merge {
	version TLSv1.2 certificate_types {rsa_sign ecdsa_sign}
	supported_signature_algorithms {
	    rsa_pkcs1_sha256 ecdsa_secp256r1_sha256
	} certificate_authorities {}
    } $args]
    tell ServerHelloDone
}

conversation Flight-Request-1 {it is asked for a certificate: there is a\
    Certificate} -versions TLSv1.2 -source {RFC 5246, 7.4.6} {
    requested
    answers Certificate
    answers ClientKeyExchange
}

conversation Flight-Request-2 {certificates of types that nobody knows are\
    asked for} -versions TLSv1.2 -source {RFC 5246, 7.4.4} {
    requested certificate_types {200 201}
    answers Certificate
}

foreach {n title arguments alerts} {
    3 {has a byte left over} {trailing_bytes x} decode_error
    4 {has no bytes} {body {}} decode_error
    5 {has authorities beyond its end} {certificate_authorities_length 999}
	decode_error
    6 {has half a signature scheme}
	{supported_signature_algorithms_bytes \x04\x01\x04}
	{decode_error illegal_parameter handshake_failure}
    7 {has an authority beyond the others}
	{certificate_authorities_bytes "\x00\x20abc"} decode_error
} {
    conversation Flight-Request-$n "the server's CertificateRequest $title" \
	-versions TLSv1.2 -source {RFC 5246, 7.4.4 and 7.2.2} [format {
	requested %s
	refused %s
    } $arguments $alerts]
}

conversation Flight-Done-1 {the server's ServerHelloDone is not empty} \
    -versions TLSv1.2 -source {RFC 5246, 7.4.5 and 7.2.2} {
    called
    offered ServerKeyExchange
    tell ServerHelloDone body abc
    refused decode_error illegal_parameter
}
unset n title arguments alerts
