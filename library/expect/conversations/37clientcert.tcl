# 37clientcert.tcl --
#
#	Servers that ask for a certificate; others skip these.

family Certificate server {certificates of clients: none, malformed, unproven}

# owned ?option value ...? -- the options for a client with a certificate.
proc script::owned {} {
    set made [::pyossl::expect::authority::issue EC]
    return [list -cert [dict get $made certificate] -key [dict get $made key]]
}

# unproven ?alert ...? --
#	As refused, if the server has asked for a certificate.
proc script::unproven {args} {
    upvar 1 spawn_id spawn_id
    expect -i $spawn_id -timeout [Patience] \
    -message CertificateRequest -from peer {
    } -established {
	skip "the server asks for no certificate"
    } -alert fatal * -from peer {
	fail "the alert [lindex $expect_out(alert) 1] came in the handshake"
    } -closed * {
	fail "the end came in the handshake"
    } timeout {
	fail "no answer"
    }
    refused {*}$args
}

foreach {letter version} {B TLSv1.3 C TLSv1.2} {
    conversation Certificate-None-1$letter \
	"the client has none: it goes on, or says why not, in $version" \
	-versions $version -source {RFC 8446, 4.4.2.4; RFC 5246, 7.4.6} {
	established -wait 0 {*}[Only]
	expect -timeout $timeout -message CertificateRequest -from peer {
	} -established {
	    skip "the server asks for no certificate"
	} -alert fatal * -from peer {
	    fail "the alert [lindex $expect_out(alert) 1] came"
	} timeout {
	    fail "no answer"
	}
	send "GET / HTTP/1.0\r\n\r\n"
	expect -timeout $timeout -alert fatal * -from peer {
	    set alert [lindex $expect_out(alert) 1]
	    if {$alert ni {certificate_required handshake_failure
		    bad_certificate}} {
		fail "the alert $alert came"
	    }
	} -re .+ {
	} -closed * {
	    fail "it closed without an alert"
	} timeout {
	    fail "no answer"
	}
    }
    foreach {n body alerts text} {
	1 {flip $bytes end} {decrypt_error} {the last byte of its signature
	    is altered}
	2 {flip $bytes 30} {decrypt_error decode_error} {a byte of its signature
	    is altered}
	3 {content $bytes [string range $bytes 4 5]\0\0}
	    {decrypt_error decode_error} {it has no signature}
	4 {content $bytes ""} {decode_error} {it has no bytes}
	5 {content $bytes [string range $bytes 4 end]x} {decode_error}
	    {it has a byte more}
	6 {content $bytes [string range $bytes 4 end-1]} {decode_error}
	    {it lacks a byte}
	7 {string replace $bytes 4 5 \x08\x04}
	    {illegal_parameter decrypt_error handshake_failure} {its algorithm is not that of the key}
	8 {string replace $bytes 4 5 \xfe\xfe}
	    {illegal_parameter decrypt_error handshake_failure}
	    {its algorithm is one that nobody knows}
    } {
	conversation Certificate-Verify-$n$letter \
	    "CertificateVerify: [regsub -all {\s+} $text { }], in $version" \
	    -versions $version \
	    -source {RFC 8446, 4.4.3; RFC 5246, 7.4.8} [format {
	    altering CertificateVerify {%s} {*}[owned]
	    unproven %s
	} $body $alerts]
    }
    conversation Certificate-Verify-9$letter "there is no CertificateVerify,\
	in $version" -versions $version \
	-source {RFC 8446, 4.4.3; RFC 5246, 7.3} {
	with instead CertificateVerify {} {*}[owned]
	unproven unexpected_message
    }
    conversation Certificate-Missing-1$letter "there is no Certificate, in\
	$version" -versions $version \
	-source {RFC 8446, 4.4.2; RFC 5246, 7.3} {
	with instead Certificate {} {*}[owned]
	unproven unexpected_message
    }
    foreach {n certificates text} {
	1 {list xxxx} {of four bytes, which are none}
	2 {list 0\x80} {that begins and has no end}
	3 {list [string repeat \x30\x82\xff\xff 500]} {that is nonsense}
	4 {list ""} {of no bytes}
    } {
	conversation Certificate-Bytes-$n$letter "a certificate $text, in\
	    $version" -versions $version \
	    -source {RFC 8446, 4.4.2; RFC 5246, 7.4.2} [format {
	    altering Certificate {Certificates $bytes [%s]} {*}[owned]
	    unproven bad_certificate decode_error unsupported_certificate \
		illegal_parameter certificate_unknown
	} $certificates]
    }
    foreach {n expression text} {
	5 {content $bytes ""} {no bytes at all}
	6 {content $bytes [string range $bytes 4 end-1]} {a byte too few}
	7 {content $bytes [string range $bytes 4 end]x} {a byte left over}
    } {
	conversation Certificate-Bytes-$n$letter "a Certificate with $text, in\
	    $version" -versions $version \
	    -source {RFC 8446, 4.4.2 and 6.2; RFC 5246, 7.4.2} [format {
	    altering Certificate {%s} {*}[owned]
	    unproven decode_error bad_certificate
	} $expression]
    }
    conversation Certificate-Empty-1$letter "an empty Certificate, and a\
	CertificateVerify nonetheless, in $version" -versions $version \
	-source {RFC 8446, 4.4.3; RFC 5246, 7.4.8} {
	altering Certificate {Certificates $bytes {}} {*}[owned]
	unproven unexpected_message certificate_required handshake_failure \
	    bad_certificate
    }
    conversation Certificate-Many-1$letter "a chain of 200 kilobytes, in\
	$version" -versions $version \
	-source {RFC 8446, 4.4.2; RFC 5246, 7.4.2} {
	established -wait 0 -script {
	    wire $spawn_id out -protected 1 \
		::pyossl::expect::conversation::script::Many
	} {*}[owned] {*}[Only]
	unproven
    }
}
unset letter version n certificates text expression body alerts

# A Certificate with other certificates in it, in the form of the version.
proc script::Certificates {bytes certificates} {
    variable now
    set list ""
    foreach certificate $certificates {
	append list [string range [binary format Iu \
	    [string length $certificate]] 1 3]$certificate
	if {$now(version) eq "TLSv1.3"} {
	    append list \0\0
	}
    }
    return [content $bytes [expr {$now(version) eq "TLSv1.3" ? "\0" : ""}][\
	string range [binary format Iu [string length $list]] 1 3]$list]
}

# A filter: a Certificate that is too long, in as many records as it takes.
proc script::Many {record} {
    if {![IsMessage $record Certificate]} {
	return [list $record]
    }
    set bytes [Certificates [dict get $record fragment] \
	[lrepeat 100 [string repeat x 2000]]]
    set records {}
    for {set at 0} {$at < [string length $bytes]} {incr at 16000} {
	dict set record fragment [string range $bytes $at $at+15999]
	lappend records $record
    }
    return $records
}

conversation Certificate-Context-1 {certificate_request_context is not that of\
    the server} -versions TLSv1.3 -source {RFC 8446, 4.4.2} {
    altering Certificate {
	content $bytes \3abc[string range $bytes 5 end]
    } {*}[owned]
    unproven illegal_parameter decode_error
}
conversation Certificate-Twice-1 {Certificate comes twice} \
    -versions TLSv1.3 -source {RFC 8446, 4.4.2} {
    with before Certificate {{handshake \x0b\0\0\4\0\0\0\0}} {*}[owned]
    unproven unexpected_message certificate_required
}
