# 08attack.tcl --
#
#	Probes for what has gone wrong in implementations before: Heartbleed,
#	the ChangeCipherSpec injection, Bleichenbacher's oracle, Ticketbleed,
#	invalid curve points, small subgroups, and algorithms that nobody should
#	do any more. None of them does harm to a peer that is as it should be.

family Attack server {probes for Heartbleed, CCS injection, oracles and the like}

#------------------------------------------------------------------------
# Heartbleed
#------------------------------------------------------------------------

# heartbeat -- a request that asks for 16384 bytes and brings none.
proc script::heartbeat {} {
    return [encode Heartbeat {payload_length 16384 payload {} padding {}}]
}

conversation Attack-Heartbleed-1 {a heartbeat that asks for more than it\
    brings, behind the ServerHelloDone} \
    -versions TLSv1.2 -source {RFC 6520, 4; CVE-2014-0160} {
    greet -add {{extension_type heartbeat mode peer_allowed_to_send}}
    flight
    send -record heartbeat TLSv1.2 [heartbeat]
    # If it is passed over the next one is refused.
    send -handshake ServerHelloDone
    refused unexpected_message
    quiet heartbeat
}

conversation Attack-Heartbleed-2 {the same, and heartbeats were not agreed on} \
    -versions TLSv1.2 -source {RFC 6520, 2; CVE-2014-0160} {
    greet
    flight
    send -record heartbeat TLSv1.2 [heartbeat]
    send -handshake ServerHelloDone
    refused unexpected_message
    quiet heartbeat
}

conversation Attack-Heartbleed-3 {a heartbeat behind the ClientHello} \
    -versions TLSv1.2 -source {RFC 6520, 3; CVE-2014-0160} {
    greet -add {{extension_type heartbeat mode peer_allowed_to_send}}
    send -record heartbeat TLSv1.2 [heartbeat]
    send -handshake ServerHelloDone
    expect -timeout $timeout -record heartbeat -from peer {
	fail "it answers"
    } -alert fatal * {
    } -closed * {
    } timeout {
	fail "it goes on"
    }
    closes
    quiet heartbeat
}

conversation Attack-Heartbleed-4 {a heartbeat that is not encrypted, behind the\
    handshake} -versions {TLSv1.2 TLSv1.3} -source {RFC 6520, 3;\
    CVE-2014-0160} {
    established
    send -record heartbeat TLSv1.2 [heartbeat]
    refused unexpected_message bad_record_mac
    quiet heartbeat
}

#------------------------------------------------------------------------
# ChangeCipherSpec injection
#------------------------------------------------------------------------

conversation Attack-Injection-1 {a ChangeCipherSpec before the keys are there,\
    and what looks like a Finished} \
    -versions TLSv1.2 -source {RFC 5246, 7.1; CVE-2014-0224} {
    greet
    set messages [flight]
    send -record change_cipher_spec TLSv1.2 \x01
    key $messages
    # A server that has made keys of nothing finds it wrong, too late.
    refused unexpected_message
}

conversation Attack-Injection-2 {the same within the same segment} \
    -versions TLSv1.2 -source {RFC 5246, 7.1; CVE-2014-0224} {
    greet
    flight
    send -bytes [record::build change_cipher_spec TLSv1.2 \x01][record::build \
	handshake TLSv1.2 [string repeat \xa5 40]]
    refused unexpected_message
}

#------------------------------------------------------------------------
# Bleichenbacher's oracle
#------------------------------------------------------------------------

# rsa messages -- {modulus exponent} of the key in the server's certificate, as
# numbers.
proc script::rsa {messages} {
    set der [lindex [dict get $messages Certificate certificate_list] 0]
    set at [string first [binary decode hex 06092a864886f70d0101010500] $der]
    if {$at < 0} {
	skip "the server has no RSA key"
    }
    # BIT STRING, SEQUENCE, INTEGER, INTEGER (RFC 3279, 2.3.1).
    set rest [string range $der $at+13 end]
    foreach skipped {1 0} {
	set rest [string range $rest [lindex [Length $rest] 0]+$skipped end]
    }
    foreach name {modulus exponent} {
	lassign [Length $rest] head size
	binary scan [string range $rest $head [expr {$head + $size - 1}]] H* hex
	lappend numbers [expr 0x$hex]
	set rest [string range $rest [expr {$head + $size}] end]
    }
    return $numbers
}

# The size of the head of a DER value, and that of what is in it.
proc script::Length {der} {
    binary scan $der xcu first
    if {$first < 128} {
	return [list 2 $first]
    }
    set count [expr {$first - 128}]
    binary scan $der x2H[expr {2 * $count}] hex
    return [list [expr {2 + $count}] [expr 0x$hex]]
}

# encrypted number modulus exponent -- the number encrypted, as bytes.
proc script::encrypted {bytes modulus exponent} {
    binary scan $bytes H* hex
    set base [expr 0x$hex]
    set result 1
    while {$exponent} {
	if {$exponent & 1} {
	    set result [expr {$result * $base % $modulus}]
	}
	set base [expr {$base * $base % $modulus}]
	set exponent [expr {$exponent >> 1}]
    }
    return [binary decode hex [format %0[expr {2 * [string length \
	$bytes]}]llx $result]]
}

# oracle change -- how the server takes a premaster secret of which the script
# makes something else; block is what is encrypted, size its length.
proc script::oracle {change} {
    dial
    send -handshake ClientHello [hello cipher_suites {
	TLS_RSA_WITH_AES_128_GCM_SHA256 TLS_RSA_WITH_AES_128_CBC_SHA
	TLS_RSA_WITH_AES_256_CBC_SHA TLS_EMPTY_RENEGOTIATION_INFO_SCSV
    }]
    set messages [flight "the server does not do RSA key exchange"]
    lassign [rsa $messages] modulus exponent
    set size [expr {([string length [format %llx $modulus]] + 1) / 2}]
    # Nothing may tell which of them is right.
    set block \x00\x02[string repeat \x5a [expr {$size - 51}]]\x00\x03\x03[
	string repeat \x17 46]
    set block [eval $change]
    key $messages encrypted_pre_master_secret \
	[encrypted $block $modulus $exponent]
    send -record change_cipher_spec TLSv1.2 \x01
    send -record handshake TLSv1.2 [string repeat \xa5 64]
    expect -timeout [Patience] -alert fatal * -from peer {
	set answer [lindex $expect_out(alert) 1]
    } -closed * {
	set answer "closed ($expect_out(closed))"
    } timeout {
	set answer nothing
    }
    exp_close
    return $answer
}

foreach {n change text} {
    1 {string replace $block 0 0 \x01} {begins with 1}
    2 {string replace $block 1 1 \x01} {is of block type 1}
    3 {string map {\x00\x03\x03 \x11\x03\x03} $block} {has no end of the padding}
    4 {string replace $block 5 5 \x00} {has the end of the padding too early}
    5 {string map {\x00\x03\x03 \x00\x02\x00} $block} {is of another version}
    6 {string map {\x00\x03\x03 \x5a\x00\x03} $block} {is a byte short}
    7 {string repeat \x00 $size} {is zero}
} {
    conversation Attack-Robot-$n "a premaster secret that $text is taken as one\
	that is right" -versions TLSv1.2 \
	-source {RFC 5246, 7.4.7.1; RFC 8017, 7.2.2} [format {
	set right [oracle {set block}]
	if {$right eq "nothing"} {
	    fail "a premaster secret that is right has no answer"
	}
	set wrong [oracle {%s}]
	if {$wrong ne $right} {
	    fail "it tells: $wrong, and $right for a right one"
	}
    } $change]
}

#------------------------------------------------------------------------
# Key exchanges
#------------------------------------------------------------------------

# Which alert it is, the RFCs do not say.
foreach {n bytes text} {
    1 {[string replace $point end end \x00]} {that is not on the curve}
    2 {\x00} {at infinity}
    3 {[string range $point 0 end-1]} {that is a byte short}
    4 {} {of no bytes}
} {
    conversation Attack-Curve-$n "a key of secp256r1 $text, in TLS 1.2" \
	-versions TLSv1.2 -source {RFC 8422, 5.11; RFC 5246, 7.2.2} [format {
	greet -drop supported_groups -add {{
	    extension_type supported_groups named_group_list secp256r1
	}} cipher_suites [lsearch -all -inline $suites12 *ECDHE*]
	key [flight] ecdh_Yc "%s"
	refused
    } $bytes]
}

foreach {n bytes text} {
    5 {[string repeat \x00 32]} {that makes a secret of zeros}
    6 {[string repeat k 31]} {that is a byte short}
    7 {[string repeat k 33]} {that is a byte long}
} {
    conversation Attack-Curve-$n "a key of x25519 $text, in TLS 1.2" \
	-versions TLSv1.2 -source {RFC 8422, 5.11; RFC 5246, 7.2.2} [format {
	greet -drop supported_groups -add {{
	    extension_type supported_groups named_group_list x25519
	}} cipher_suites [lsearch -all -inline $suites12 *ECDHE*]
	key [flight] ecdh_Yc "%s"
	refused
    } $bytes]
}

foreach {n bytes text} {
    1 {\x00} 0
    2 {\x01} 1
    3 {[string replace $p end end [binary format c $last]]} {p - 1}
    4 {$p} p
    5 {} {of no bytes}
} {
    conversation Attack-Dhe-$n "a key of DHE that is $text" \
	-versions TLSv1.2 -source {RFC 7919, 4 and 5.1; RFC 5246, 7.2.2} [format {
	greet cipher_suites [lsearch -all -inline $suites12 *_DHE_*]
	set flight [flight "the server does not do DHE"]
	set p [dict get $flight ServerKeyExchange dh_p]
	binary scan [string index $p end] cu last
	incr last -1
	key $flight dh_Yc "%s"
	refused
    } $bytes]
}

foreach {n script text} {
    1 {[encode ClientKeyExchange {body {}}]} {of no bytes}
    2 {[encode ClientKeyExchange {body \x41abc}]} {whose key goes beyond its end}
    3 {[encode ClientKeyExchange [list body \x41${point}x]]} {with a byte left over}
} {
    conversation Attack-Exchange-$n "a ClientKeyExchange $text" \
	-versions TLSv1.2 -source {RFC 5246, 7.2.2} [format {
	greet -drop supported_groups -add {{
	    extension_type supported_groups named_group_list secp256r1
	}} cipher_suites [lsearch -all -inline $suites12 *ECDHE*]
	if {[dict exists [flight] CertificateRequest]} {
	    send -handshake Certificate {version TLSv1.2 certificate_list {}}
	}
	send -record handshake TLSv1.2 %s
	refused decode_error illegal_parameter
    } $script]
}

#------------------------------------------------------------------------
# Sessions
#------------------------------------------------------------------------

conversation Attack-Ticketbleed-1 {a session id of one byte and a ticket of\
    nobody's: not more than that byte is echoed} \
    -versions TLSv1.2 -source {RFC 5077, 3.4; CVE-2016-9244} {
    greet -add [list [list extension_type session_ticket \
	ticket [string repeat t 192]]] legacy_session_id \xa5
    set echo [dict get [answered ServerHello] legacy_session_id_echo]
    if {[string match \xa5?* $echo]} {
	fail "it echoes [string length $echo] bytes"
    }
}

#------------------------------------------------------------------------
# Algorithms
#------------------------------------------------------------------------

foreach {n text source suites} {
    1 {suites of export strength (FREAK, Logjam)} {RFC 9325, 4.1} {
	TLS_RSA_EXPORT_WITH_RC4_40_MD5 TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5
	TLS_RSA_EXPORT_WITH_DES40_CBC_SHA TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA
	TLS_DHE_DSS_EXPORT_WITH_DES40_CBC_SHA
    }
    2 {suites without encryption} {RFC 9325, 4.1} {
	TLS_RSA_WITH_NULL_MD5 TLS_RSA_WITH_NULL_SHA TLS_RSA_WITH_NULL_SHA256
	TLS_ECDHE_RSA_WITH_NULL_SHA TLS_ECDHE_ECDSA_WITH_NULL_SHA
    }
    3 {suites without a certificate} {RFC 9325, 4.1} {
	TLS_DH_anon_WITH_AES_128_CBC_SHA TLS_DH_anon_WITH_AES_128_GCM_SHA256
	TLS_ECDH_anon_WITH_AES_128_CBC_SHA
    }
    4 {suites with RC4} {RFC 7465, 2} {
	TLS_RSA_WITH_RC4_128_MD5 TLS_RSA_WITH_RC4_128_SHA
	TLS_ECDHE_RSA_WITH_RC4_128_SHA TLS_ECDHE_ECDSA_WITH_RC4_128_SHA
    }
    5 {suites with DES} {RFC 9325, 4.1} {
	TLS_RSA_WITH_DES_CBC_SHA TLS_DHE_RSA_WITH_DES_CBC_SHA
    }
} {
    conversation Attack-Weak-$n "a client that offers $text only" \
	-versions TLSv1.2 -source $source [format {
	greet cipher_suites %s
	refused handshake_failure insufficient_security
    } [list [concat {*}[split $suites \n]]]]
}

conversation Attack-Crime-1 {compression is not chosen} \
    -versions TLSv1.2 -source {RFC 9325, 3.3; CVE-2012-4929} {
    greet legacy_compression_methods {DEFLATE null}
    set method [dict get [answered ServerHello] legacy_compression_method]
    if {$method ne "null"} {
	fail "it chose $method"
    }
}

conversation Attack-Triple-1 {extended_master_secret is agreed on} \
    -versions TLSv1.2 -source {RFC 7627, 5.2; RFC 9325, 3.6} {
    greet
    if {[extension [answered ServerHello] extended_master_secret] eq ""} {
	fail "it is not"
    }
}

conversation Attack-Renegotiation-1 {secure renegotiation is agreed on} \
    -versions TLSv1.2 -source {RFC 5746, 3.6; CVE-2009-3555} {
    greet
    set extension [extension [answered ServerHello] renegotiation_info]
    if {$extension eq ""} {
	fail "it is not"
    }
    if {[dict get $extension renegotiated_connection] ne ""} {
	fail "it tells of a connection that there was not"
    }
}
