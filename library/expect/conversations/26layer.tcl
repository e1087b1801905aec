# 26layer.tcl --
#
#	The records of a server, and what is no TLS at all.

family Layer client {clients, and records of a server}

conversation Layer-Fragment-1 {the server's flight is in records of one byte} \
    -versions TLSv1.2 -source {RFC 5246, 6.2.1} {
    called
    foreach name {ServerHello Certificate ServerKeyExchange ServerHelloDone} {
	append flight [encode $name [message $name]]
    }
    foreach byte [split $flight ""] {
	append bytes [record::build handshake TLSv1.2 $byte]
    }
    send -bytes $bytes
    answers ClientKeyExchange
}

conversation Layer-Fragment-2 {the ServerHello is cut at each tenth byte} \
    -versions TLSv1.2 -source {RFC 5246, 6.2.1} {
    called
    set bytes [encode ServerHello [message ServerHello]]
    for {set at 0} {$at < [string length $bytes]} {incr at 10} {
	send -record handshake TLSv1.2 [string range $bytes $at $at+9]
    }
    foreach name {Certificate ServerKeyExchange ServerHelloDone} {
	tell $name
    }
    answers ClientKeyExchange
}

conversation Layer-Coalesce-1 {the server's flight is in one record} \
    -versions TLSv1.2 -source {RFC 5246, 6.2.1} {
    called
    foreach name {ServerHello Certificate ServerKeyExchange ServerHelloDone} {
	append flight [encode $name [message $name]]
    }
    send -record handshake TLSv1.2 $flight
    answers ClientKeyExchange
}

conversation Layer-Coalesce-2 {there is more in the record of the ServerHello\
    of TLS 1.3} -versions TLSv1.3 -source {RFC 8446, 5.1} {
    called
    send -record handshake TLSv1.2 [encode ServerHello \
	[message ServerHello]][encode EncryptedExtensions]
    # The keys change behind it.
    expect -timeout $timeout -alert fatal unexpected_message {
    } -alert * * {
	fail "the alert [lindex $expect_out(alert) 1] came"
    } -closed * {
    } timeout {
	fail "it goes on"
    }
}

conversation Layer-Segment-1 {each byte of the server's flight comes alone} \
    -versions TLSv1.2 -source {RFC 5246, 6} {
    called
    foreach name {ServerHello ServerHelloDone} {
	foreach byte [split [record::build handshake TLSv1.2 \
		[encode $name [message $name]]] ""] {
	    send -bytes $byte
	}
	if {$name eq "ServerHello"} {
	    tell Certificate
	    tell ServerKeyExchange
	}
    }
    answers ClientKeyExchange
}

conversation Layer-Empty-1 {an empty handshake record before the ServerHello} \
    -source {RFC 8446, 5.1; RFC 5246, 6.2.1} {
    called
    send -record handshake TLSv1.2 ""
    tell ServerHello legacy_version 0x0305 extensions {}
    # One that passes over it does not like the ServerHello.
    refused unexpected_message decode_error protocol_version \
	illegal_parameter missing_extension
}

conversation Layer-Long-1 {a record of 16385 bytes} \
    -source {RFC 8446, 5.1; RFC 5246, 6.2.1} {
    called
    send -record handshake TLSv1.2 \x02\x00\x7f\xff[string repeat a 16381]
    refused record_overflow decode_error illegal_parameter
}

conversation Layer-Long-2 {a record that says 65535 bytes} \
    -source {RFC 8446, 5.2; RFC 5246, 6.2.3} {
    called
    send -record handshake TLSv1.2 \x02\x00\x7f\xff[string repeat a 1000] \
	-length 65535
    send -eof
    refused -silent record_overflow decode_error
}

conversation Layer-Long-3 {a message of 16 MB is announced} \
    -source {RFC 8446, 4; RFC 5246, 7.4} {
    called
    tell ServerHello length 16777215
    send -eof
    expect -timeout $timeout -message * -from peer {
	fail "it went on with a $expect_out(name)"
    } -closed * {
    } timeout {
	fail "the connection stays open"
    }
}

foreach {n type text} {
    1 99 {type 99} 2 25 {type 25} 3 0 {type 0} 4 127 {type 127}
} {
    conversation Layer-Type-$n "the first record is of $text" \
	-source {RFC 8446, 5; RFC 5246, 6} [format {
	called
	send -record %s TLSv1.2 abc
	refused unexpected_message
    } $type]
}
unset n type text

conversation Layer-Version-1 {the first record is of 9.9} \
    -source {RFC 5246, E.1} {
    # RFC 8446 has it ignored.
    called
    send -record handshake 0x0909 [encode ServerHello [message ServerHello \
	legacy_version 0x0305 extensions {}]]
    refused -silent protocol_version illegal_parameter unexpected_message \
	missing_extension decode_error
}

conversation Layer-Alert-1 {a fatal alert in the place of the ServerHello} \
    -source {RFC 8446, 6.2} {
    called
    send -alert fatal handshake_failure
    expect -timeout $timeout -message * -from peer {
	fail "it went on with a $expect_out(name)"
    } -closed * {
    } timeout {
	fail "the connection stays open"
    }
}

conversation Layer-Alert-2 {close_notify in the place of the ServerHello} \
    -source {RFC 8446, 6.1} {
    called
    send -alert warning close_notify
    closes
}

conversation Layer-Alert-3 {an alert of one byte} -source {RFC 8446, 6} {
    called
    send -record alert TLSv1.2 \x02
    tell ServerHelloDone
    refused decode_error unexpected_message
}

conversation Layer-Alert-4 {a warning that nobody knows, before the\
    ServerHello of TLS 1.2} -versions TLSv1.2 -source {RFC 5246, 7.2.2} {
    called
    send -record alert TLSv1.2 \x01\x5a
    offered ServerHelloDone
    # TLS 1.3 takes unknown alerts for fatal ones, and the client offers it.
    expect -timeout $timeout -message ClientKeyExchange -from peer {
    } -alert fatal * -from peer {
	closes
    } -closed * {
	fail "it closed without an alert"
    } timeout {
	fail "no answer"
    }
}

conversation Layer-End-1 {the server leaves and says nothing} \
    -source {RFC 8446, 6.1} {
    called
    send -eof
    closes
}

conversation Layer-End-2 {the server leaves behind its ServerHello} \
    -source {RFC 8446, 6.1} {
    called
    tell ServerHello
    send -eof
    closes
}

foreach {n bytes text} {
    1 "HTTP/1.0 400 Bad Request\r\n\r\n" {an answer of HTTP}
    2 "220 mail ESMTP\r\n" {a greeting of SMTP}
    3 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" {zeros}
    4 "\x84\x0b\x04\x00\x01\x00\x02" {a ServerHello of SSL 2.0}
} {
    conversation Layer-Other-$n "the server sends $text" \
	-source {RFC 8446, 5; RFC 6176, 3} [format {
	called
	send -bytes %s
	send -eof
	expect -timeout $timeout -message * -from peer {
	    fail "it went on with a $expect_out(name)"
	} -closed * {
	} timeout {
	    fail "the connection stays open"
	}
    } [list $bytes]]
}
unset n bytes text
