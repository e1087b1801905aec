# 25change.tcl --
#
#	ChangeCipherSpec and Heartbeat from a server: when they may come.

family Change client {clients, and ChangeCipherSpecs and heartbeats of a server}

conversation Change-First-1 {it comes in the place of the ServerHello of\
    TLS 1.2} -versions TLSv1.2 -source {RFC 5246, 7.1} {
    called
    if {"TLSv1.3" in [Offered $now(hello)]} {
	skip "the client may drop it, since it offers TLS 1.3"
    }
    send -record change_cipher_spec TLSv1.2 \x01
    refused unexpected_message
}

foreach {n name text} {
    1 ServerHello {behind the ServerHello}
    2 Certificate {behind the Certificate}
    3 ServerKeyExchange {behind the ServerKeyExchange}
} {
    conversation Change-Early-$n "it comes $text" \
	-versions TLSv1.2 -source {RFC 5246, 7.1; CVE-2014-0224} [format {
	called
	offered %s
	send -record change_cipher_spec TLSv1.2 \x01
	refused unexpected_message
    } $name]
}

conversation Change-Early-4 {it comes within the Certificate} \
    -versions TLSv1.2 -source {RFC 5246, 7.1} {
    called
    tell ServerHello
    set bytes [encode Certificate [message Certificate]]
    send -record handshake TLSv1.2 [string range $bytes 0 59]
    send -record change_cipher_spec TLSv1.2 \x01
    send -record handshake TLSv1.2 [string range $bytes 60 end]
    refused unexpected_message
}

foreach {n bytes text} {
    1 {\x00} {is 0}
    2 {\x02} {is 2}
    3 {\x01\x01} {has two bytes}
} {
    conversation Change-Byte-$n "it $text, in TLS 1.2" \
	-versions TLSv1.2 -source {RFC 5246, 7.1} [format {
	called
	offered ServerHelloDone
	answers ClientKeyExchange
	send -record change_cipher_spec TLSv1.2 "%s"
	breaks
    } $bytes]
}

conversation Change-Finished-1 {the Finished behind it is not encrypted} \
    -versions TLSv1.2 -source {RFC 5246, 7.1 and 7.4.9} {
    called
    offered ServerHelloDone
    answers ClientKeyExchange
    send -record change_cipher_spec TLSv1.2 \x01
    send -handshake Finished
    breaks
}

conversation Change-Middlebox-1 {it comes between the HelloRetryRequest and the\
    ServerHello, and is dropped} \
    -versions TLSv1.3 -source {RFC 8446, 5 and D.4} {
    called
    tell HelloRetryRequest
    send -record change_cipher_spec TLSv1.2 \x01
    again
}

foreach {n bytes text} {2 {\x02} {is 2} 3 {\x01\x01} {has two bytes}} {
    conversation Change-Middlebox-$n "it comes before the ServerHello, and\
	$text" -versions TLSv1.3 -source {RFC 8446, 5} [format {
	called
	send -record change_cipher_spec TLSv1.2 "%s"
	refused unexpected_message
    } $bytes]
}
unset n name bytes text

conversation Change-Heartbeat-1 {a heartbeat that asks for more than it brings,\
    before the ServerHello} -versions {TLSv1.2 TLSv1.3} \
    -source {RFC 6520, 3; CVE-2014-0160} {
    called
    send -record heartbeat TLSv1.2 [heartbeat]
    tell ServerHelloDone
    refused unexpected_message
    quiet heartbeat
}

conversation Change-Heartbeat-2 {the same behind the ServerHelloDone} \
    -versions TLSv1.2 -source {RFC 6520, 3; CVE-2014-0160} {
    called
    offered ServerHelloDone
    answers ClientKeyExchange
    send -record heartbeat TLSv1.2 [heartbeat]
    send -handshake ServerHelloDone
    closes
    quiet heartbeat
}
