# 24turn.tcl --
#
#	Messages of a server that are not their turn: each type at each point
#	before messages are encrypted.

family Turn client {clients, and messages of a server that are not their turn}

set everything {
	HelloRequest {} ClientHello {} ServerHello {} NewSessionTicket
	{version TLSv1.2 ticket abc} EndOfEarlyData {} EncryptedExtensions {}
	Certificate {} ServerKeyExchange {}
	CertificateRequest {version TLSv1.2 certificate_types ecdsa_sign
	    supported_signature_algorithms ecdsa_secp256r1_sha256
	    certificate_authorities {}}
	ServerHelloDone {} CertificateVerify {} ClientKeyExchange {body \x01a}
	Finished {} CertificateStatus {body abc} KeyUpdate {}
	message_hash {body abc} 99 {body abc} 255 {body abc}
}

# The point, the versions, how to get there, and what would be right there.
foreach {point title versions script right} {
    First {in the place of the ServerHello} {TLSv1.3 TLSv1.2} {}
	{ServerHello HelloRequest}
    Hello {in the place of the Certificate} TLSv1.2 {offered ServerHello}
	{Certificate HelloRequest}
    Key {in the place of the ServerKeyExchange} TLSv1.2 {offered Certificate}
	{ServerKeyExchange HelloRequest CertificateStatus}
    Done {in the place of the ServerHelloDone} TLSv1.2
	{offered ServerKeyExchange}
	{ServerHelloDone CertificateRequest HelloRequest}
    Change {in the place of the ChangeCipherSpec} TLSv1.2 {
	offered ServerHelloDone
	answers ClientKeyExchange
    } {HelloRequest}
} {
    set n 0
    foreach {name fields} $everything {
	if {$name in $right} continue
	incr n
	conversation Turn-$point-$n "$name $title" -versions $versions \
	    -source {RFC 5246, 7.3 and 7.4; RFC 8446, 4} [format {
	    called
	    # What the messages depend on is settled by this one.
	    message ServerHello
	    %s
	    tell %s %s
	    %s
	} $script $name [regsub -all {\s+} $fields { }] [expr {
	    $point eq "Change" ? "breaks"
	    : "refused unexpected_message handshake_failure"}]]
    }
}
unset everything point title versions script right n name fields

foreach {n name} {1 ServerHello 2 ServerKeyExchange} {
    conversation Turn-Request-$n "a HelloRequest behind the $name is passed\
	over" -versions TLSv1.2 -source {RFC 5246, 7.4.1.1} [format {
	called
	offered %1$s
	send -handshake HelloRequest
	foreach name [lrange {ServerHello Certificate ServerKeyExchange
		ServerHelloDone} [lsearch {Certificate ServerKeyExchange
		ServerHelloDone} %1$s]+2 end] {
	    tell $name
	}
	answers ClientKeyExchange
    } $name]
}
unset n name

conversation Turn-Missing-1 {there is no Certificate} -versions TLSv1.2 \
    -source {RFC 5246, 7.4.2} {
    called
    tell ServerHello
    tell ServerKeyExchange
    tell ServerHelloDone
    refused unexpected_message handshake_failure
}

conversation Turn-Missing-2 {there is no ServerKeyExchange, with ECDHE} \
    -versions TLSv1.2 -source {RFC 5246, 7.4.3} {
    called
    tell ServerHello
    tell Certificate
    tell ServerHelloDone
    refused unexpected_message handshake_failure
}

conversation Turn-Missing-3 {there is no ServerHelloDone, but a\
    ChangeCipherSpec} -versions TLSv1.2 -source {RFC 5246, 7.1 and 7.4.5} {
    called
    offered ServerKeyExchange
    send -record change_cipher_spec TLSv1.2 \x01
    refused unexpected_message
}

conversation Turn-Data-1 {data in the place of the ServerHello} \
    -versions {TLSv1.3 TLSv1.2} -source {RFC 8446, 5; RFC 5246, 10} {
    called
    send -record application_data TLSv1.2 "HTTP/1.0 200 OK\r\n\r\n"
    refused unexpected_message
}

conversation Turn-Data-2 {data that are not encrypted behind the ServerHello} \
    -versions TLSv1.2 -source {RFC 5246, 10} {
    called
    tell ServerHello
    send -record application_data TLSv1.2 "HTTP/1.0 200 OK\r\n\r\n"
    refused unexpected_message
}

conversation Turn-Data-3 {data in the place of the ChangeCipherSpec} \
    -versions TLSv1.2 -source {RFC 5246, 10} {
    called
    offered ServerHelloDone
    answers ClientKeyExchange
    send -record application_data TLSv1.2 "HTTP/1.0 200 OK\r\n\r\n"
    breaks
}
