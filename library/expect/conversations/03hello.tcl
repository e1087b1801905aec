# 03hello.tcl --
#
#	ClientHellos that are wrong: in their lengths, in their fields, in which
#	extensions there are. 04helloext.tcl is about what is in extensions.

family Hello server {malformed ClientHellos: lengths, fields, extensions}

#------------------------------------------------------------------------
# Lengths
#------------------------------------------------------------------------

# mangled script --
#	Sends a ClientHello of which the script makes other bytes: it has the
#	message without its head in body, and gives what goes into its place.
proc script::mangled {script args} {
    variable now
    upvar 1 spawn_id spawn_id
    set now(hello) [hello {*}$args]
    set body [string range [encode ClientHello $now(hello)] 4 end]
    set body [eval $script]
    dial
    send -handshake ClientHello [list body $body]
}

foreach {n title script} {
    1 {that has no bytes} {set _ ""}
    2 {that ends in its version} {string range $body 0 0}
    3 {that ends in its random} {string range $body 0 20}
    4 {that ends before its session id} {string range $body 0 33}
    5 {that ends in its session id} {string cat [string range $body 0 33] \x20abc}
    6 {that ends before its cipher suites} {
	string replace [string range $body 0 34] 34 34 \x00
    }
    7 {that ends before its compression methods} {
	string cat [string range $body 0 33] \x00\x00\x02\x13\x01
    }
    8 {whose last extension is cut} {string range $body 0 end-1}
    9 {with a byte left over} {string cat $body \x00}
} {
    conversation Hello-Length-$n "a ClientHello $title" \
	-source {RFC 8446, 4.1.2 and 6} [format {
	mangled %s
	refused decode_error
    } [list $script]]
}

conversation Hello-Length-10 {the extensions are longer than the message} \
    -source {RFC 8446, 4.1.2 and 6} {
    greet extensions_length 600
    refused decode_error
}

conversation Hello-Length-11 {the extensions are shorter than the message} \
    -source {RFC 8446, 4.1.2 and 6} {
    greet extensions_length 10
    refused decode_error
}

conversation Hello-Length-12 {an extension is longer than the extensions} \
    -source {RFC 8446, 4.2 and 6} {
    greet -add {{extension_type 0x8001 extension_data abc
	extension_data_length 2000}}
    refused decode_error
}

conversation Hello-Length-13 {half a head of an extension stands last} \
    -source {RFC 8446, 4.2 and 6} {
    mangled {
	# Three more bytes, and both lengths right.
	set at [expr {37 + 32 + 2 * [llength [dict get $now(hello) \
	    cipher_suites]] + 2 - ([dict exists $now(hello) \
	    legacy_session_id] ? 0 : 32)}]
	binary scan $body @${at}Su length
	string cat [string range $body 0 $at-1] \
	    [binary format S [expr {$length + 3}]] \
	    [string range $body $at+2 end] \x80\x01\x00
    }
    refused decode_error
}

conversation Hello-Length-14 {the cipher suites have an odd number of bytes} \
    -source {RFC 8446, 4.1.2 and 6} {
    greet cipher_suites_bytes [string repeat \x13\x01 8]\x13
    refused decode_error
}

conversation Hello-Length-15 {the cipher suites go beyond the end} \
    -source {RFC 8446, 4.1.2 and 6} {
    greet cipher_suites_length 4000
    refused decode_error
}

conversation Hello-Length-16 {the session id has 33 bytes} \
    -source {RFC 8446, 4.1.2 and 6} {
    greet legacy_session_id [string repeat s 33]
    refused decode_error illegal_parameter
}

conversation Hello-Length-17 {the session id says 255 bytes} \
    -source {RFC 8446, 4.1.2 and 6} {
    greet legacy_session_id_length 255
    refused decode_error
}

conversation Hello-Length-18 {the compression methods go beyond the end} \
    -source {RFC 8446, 4.1.2 and 6} {
    greet legacy_compression_methods_length 250 extensions_wire {}
    refused decode_error
}

conversation Hello-Length-19 {the message is longer than can be} \
    -source {RFC 8446, 4 and 6} {
    # A server may refuse it by its head, or wait for the rest; it must not
    # take it for whole.
    greet length 16777215
    send -eof
    expect -timeout $timeout -message * -from peer {
	fail "it is answered with a $expect_out(name)"
    } -closed * {
    } timeout {
	fail "the connection stays open"
    }
}

#------------------------------------------------------------------------
# Fields
#------------------------------------------------------------------------

conversation Hello-Suites-1 {no cipher suites} \
    -source {RFC 8446, 4.1.2 and 6} {
    greet cipher_suites {}
    refused decode_error illegal_parameter handshake_failure
}

conversation Hello-Suites-2 {unknown cipher suites only} \
    -source {RFC 8446, 4.1.1; RFC 5246, 7.4.1.3} {
    greet cipher_suites {0x1a1a 0xfefe 0xc0ff}
    refused handshake_failure insufficient_security
}

conversation Hello-Suites-3 {TLS_NULL_WITH_NULL_NULL only} \
    -versions TLSv1.2 -source {RFC 5246, A.5} {
    greet cipher_suites 0x0000
    refused handshake_failure insufficient_security illegal_parameter
}

conversation Hello-Suites-4 {signalling suites only} -versions TLSv1.2 \
    -source {RFC 5746, 3.3} {
    greet cipher_suites TLS_EMPTY_RENEGOTIATION_INFO_SCSV
    refused handshake_failure insufficient_security
}

conversation Hello-Suites-5 {the same cipher suites many times} \
    -source {RFC 8446, 4.1.2} {
    greet cipher_suites [lrepeat 400 {*}[dict get [hello] cipher_suites]]
    answered
}

conversation Hello-Suites-6 {30000 unknown cipher suites and some known} \
    -source {RFC 8446, 4.1.2} {
    # A server may have a limit for its messages.
    set codes [lmap i [lrepeat 30000 0xeeee] {set i}]
    greet cipher_suites [concat $codes [dict get [hello] cipher_suites]]
    either
}

conversation Hello-Compression-1 {no compression methods} \
    -source {RFC 5246, 7.4.1.2; RFC 8446, 4.1.2} {
    greet legacy_compression_methods {}
    refused decode_error illegal_parameter
}

conversation Hello-Compression-2 {deflate without null} \
    -versions TLSv1.2 -source {RFC 5246, 7.4.1.2} {
    greet legacy_compression_methods DEFLATE
    refused illegal_parameter decode_error handshake_failure
}

conversation Hello-Compression-3 {deflate and null, for TLS 1.2} \
    -versions TLSv1.2 -source {RFC 5246, 7.4.1.2} {
    greet legacy_compression_methods {DEFLATE null}
    if {[dict get [answered] legacy_compression_method] ni {null DEFLATE}} {
	fail "it chose another one"
    }
}

conversation Hello-Compression-4 {deflate and null, for TLS 1.3} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.2} {
    greet legacy_compression_methods {DEFLATE null}
    refused illegal_parameter
}

conversation Hello-Compression-5 {no null, for TLS 1.3} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.2} {
    greet legacy_compression_methods 0x40
    refused illegal_parameter
}

conversation Hello-Compression-6 {null twice, for TLS 1.3} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.2} {
    greet legacy_compression_methods {null null}
    refused illegal_parameter
}

conversation Hello-Session-1 {a session id that nobody knows, for TLS 1.2} \
    -versions TLSv1.2 -source {RFC 5246, 7.4.1.2 and 7.4.1.3} {
    set id [string repeat \xa5 32]
    greet legacy_session_id $id
    set messages [flight]
    if {[dict get $messages ServerHello legacy_session_id_echo] eq $id} {
	fail "it is taken for a session that is resumed"
    }
}

conversation Hello-Session-2 {a session id of one byte is echoed, for TLS 1.3} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.3} {
    greet legacy_session_id s
    if {[dict get [answered] legacy_session_id_echo] ne "s"} {
	fail "it is not echoed"
    }
}

#------------------------------------------------------------------------
# Which extensions there are
#------------------------------------------------------------------------

conversation Hello-None-1 {no extensions at all, for TLS 1.2} \
    -versions TLSv1.2 -source {RFC 5246, 7.4.1.2} {
    # With the default groups and signatures it need not find a suite.
    greet extensions {} extensions_wire {}
    set answer [either handshake_failure]
    if {$answer ne ""} {
	foreach extension [dict get $answer extensions] {
	    if {[dict get $extension extension_type]
		    ne "renegotiation_info"} {
		fail "it has [dict get $extension extension_type]"
	    }
	}
    }
}

conversation Hello-None-2 {extensions of no bytes, for TLS 1.2} \
    -versions TLSv1.2 -source {RFC 5246, 7.4.1.2} {
    greet extensions {}
    either handshake_failure
}

foreach {n name text} {
    1 supported_groups {supported_groups}
    2 key_share {key_share}
    3 signature_algorithms {signature_algorithms}
    4 {supported_groups key_share} {supported_groups nor key_share}
} {
    conversation Hello-Missing-$n "there is no $text, and no pre_shared_key" \
	-versions TLSv1.3 -source {RFC 8446, 9.2} [format {
	greet -drop %s
	refused missing_extension
    } [list $name]]
}

conversation Hello-Missing-5 {there is no psk_key_exchange_modes, and no\
    pre_shared_key} -versions TLSv1.3 -source {RFC 8446, 4.2.9} {
    greet -drop psk_key_exchange_modes
    answered
}

conversation Hello-Missing-6 {there is no signature_algorithms, for TLS 1.2} \
    -versions TLSv1.2 -source {RFC 5246, 7.4.1.4.1} {
    # SHA-1 is what it stands for, which a server need not do any more.
    greet -drop signature_algorithms
    either handshake_failure
}

# Which alert it is, no RFC says.
foreach {n versions extension} {
    1 {} {extension_type supported_groups named_group_list x25519}
    2 TLSv1.3 {extension_type supported_versions versions TLSv1.3}
    3 {TLSv1.2 TLSv1.3} {extension_type signature_algorithms
	supported_signature_algorithms rsa_pss_rsae_sha256}
    4 TLSv1.2 {extension_type extended_master_secret}
    5 TLSv1.3 {extension_type psk_key_exchange_modes ke_modes psk_dhe_ke}
} {
    set name [dict get $extension extension_type]
    conversation Hello-Twice-$n "extension $name is there twice" \
	-versions $versions -source {RFC 8446, 4.2; RFC 5246, 7.4.1.4} [format {
	greet -add %s
	refused
    } [list [list $extension]]]
}
unset extension name

conversation Hello-Twice-6 {key_share is there twice} \
    -versions TLSv1.3 -source {RFC 8446, 4.2} {
    greet -add [list [share x25519 {}]]
    refused
}

conversation Hello-Twice-7 {an unknown extension is there twice: it is refused\
    or passed over} -source {RFC 8446, 4.2; RFC 5246, 7.4.1.4} {
    set extension {extension_type 0x8001 extension_data abc}
    greet -first [list $extension] -add [list $extension]
    lacks [either] 0x8001 "it is answered"
}

conversation Hello-Order-1 {the extensions stand in another order} \
    -source {RFC 8446, 4.2} {
    greet extensions [lreverse [dict get [hello] extensions]]
    answered
}

conversation Hello-Padding-1 {padding of 4000 bytes} -source {RFC 7685, 3} {
    greet -add [list [list extension_type padding \
	padding [string repeat \x00 4000]]]
    answered
}

conversation Hello-Padding-2 {padding that needs three records} \
    -source {RFC 7685, 3; RFC 8446, 5.1} {
    # A server may have a limit for its messages.
    greet -add [list [list extension_type padding \
	padding [string repeat \x00 40000]]]
    either
}
