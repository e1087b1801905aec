# 06order.tcl --
#
#	Messages that are there too early, twice or not at all: each type at
#	each point before messages are encrypted.

family Order server {messages that are unexpected or out of order}

# Every type, with what goes into it if it is not what encode makes.
set everything {
	HelloRequest {} ClientHello {} ServerHello {} NewSessionTicket {}
	EndOfEarlyData {} EncryptedExtensions {}
	Certificate {version TLSv1.2 certificate_list {}}
	ServerKeyExchange {body abc} CertificateRequest {body abc}
	ServerHelloDone {} CertificateVerify {} ClientKeyExchange {body \x01a}
	Finished {} CertificateURL {body abc} CertificateStatus {body abc}
	SupplementalData {body abc} KeyUpdate {} CompressedCertificate {}
	message_hash {body abc} 99 {body abc} 255 {body abc}
}

set n 0
foreach {name fields} $everything {
    if {$name eq "ClientHello"} continue
    incr n
    conversation Order-First-$n "the first message is $name" \
	-source {RFC 8446, 4; RFC 5246, 7.4} [format {
	dial
	send -handshake %s %s
	refused unexpected_message
    } $name [list $fields]]
}

# In the place of the ClientKeyExchange.
set n 0
foreach {name fields} $everything {
    if {$name eq "ClientKeyExchange"} continue
    incr n
    conversation Order-Key-$n \
	"$name in the place of the ClientKeyExchange" \
	-versions TLSv1.2 -source {RFC 5246, 7.3 and 7.4} [format {
	greet
	if {[dict exists [flight] CertificateRequest]
		&& "%1$s" eq "Certificate"} {
	    skip "the server asks for a certificate"
	}
	send -handshake %1$s %2$s
	refused unexpected_message
    } $name [list $fields]]
}

# In the place of the ChangeCipherSpec.
set n 0
foreach {name fields} $everything {
    incr n
    conversation Order-Finish-$n \
	"$name in the place of the ChangeCipherSpec" \
	-versions TLSv1.2 -source {RFC 5246, 7.3 and 7.4} [format {
	greet
	key [flight]
	send -handshake %s %s
	refused unexpected_message
    } $name [list $fields]]
}

# In the place of the second ClientHello.
set n 0
foreach {name fields} $everything {
    if {$name eq "ClientHello"} continue
    incr n
    conversation Order-Retry-$n \
	"$name in the place of the second ClientHello" \
	-versions TLSv1.3 -source {RFC 8446, 4 and 4.1.4} [format {
	greet -drop key_share -add [list [share]]
	answered HelloRetryRequest
	send -handshake %s %s
	refused unexpected_message
    } $name [list $fields]]
}

# Behind the ServerHello of TLS 1.3 all is encrypted, the alert too.
set n 0
foreach {name fields} $everything {
    if {$name ni {ClientHello Certificate ClientKeyExchange Finished KeyUpdate
	    EndOfEarlyData 99}} continue
    incr n
    conversation Order-Clear-$n \
	"$name that is not encrypted, behind the ServerHello" \
	-versions TLSv1.3 -source {RFC 8446, 5 and 5.2} [format {
	established -wait 0 -script {
	    wire $spawn_id out inject 2 [list type handshake version TLSv1.2 \
		fragment [encode %s %s]]
	} -tls1.2 0
	refused unexpected_message bad_record_mac
    } $name [list $fields]]
}
unset n name fields everything

conversation Order-Clear-8 {data that are not encrypted, behind the\
    ServerHello} -versions TLSv1.3 -source {RFC 8446, 5.2} {
    established -wait 0 -script {
	wire $spawn_id out inject 2 {type application_data version TLSv1.2
	    fragment {GET / HTTP/1.0}}
    } -tls1.2 0
    refused bad_record_mac unexpected_message
}

conversation Order-Skip-1 {no ClientKeyExchange and no ChangeCipherSpec} \
    -versions TLSv1.2 -source {RFC 5246, 7.3} {
    greet
    flight
    send -record application_data TLSv1.2 "GET / HTTP/1.0\r\n\r\n"
    refused unexpected_message
}

conversation Order-Skip-2 {data behind the ClientKeyExchange} \
    -versions TLSv1.2 -source {RFC 5246, 7.3} {
    greet
    key [flight]
    send -record application_data TLSv1.2 "GET / HTTP/1.0\r\n\r\n"
    refused unexpected_message
}

conversation Order-Skip-3 {data that are not encrypted, behind the\
    ChangeCipherSpec} -versions TLSv1.2 -source {RFC 5246, 7.3} {
    greet
    key [flight]
    send -record change_cipher_spec TLSv1.2 \x01
    send -record application_data TLSv1.2 "GET / HTTP/1.0\r\n\r\n"
    refused unexpected_message bad_record_mac decrypt_error decode_error
}
